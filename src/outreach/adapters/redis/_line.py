"""One connection on which commands that come together travel together.

redis-py makes the connection (URL, TLS, user, database); from then on the transport is
ours, since a task switch and a time-out per reply cost more than the command itself.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, cast

import hiredis
from attrs import define
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from outreach.adapters.redis._scripts import SCRIPTS, Script
from outreach.domain.errors import Unavailable

__all__ = [
    "INFO",
    "Argument",
    "Line",
    "Reply",
    "open_line",
    "pack",
    "pack_command",
    "run_of",
]

Argument = str | bytes | int
Reply = Any
"""What hiredis makes of an answer: int, bytes, None or a list of these."""

pack_command = cast("Callable[[tuple[Argument, ...]], bytes]", hiredis.pack_command)
"""Pack one command; hiredis types its argument as a tuple of one."""
MAX_BATCH: Final = 256
"""Commands in one pipeline; more wait for the next one."""
RUN_DIGITS: Final = 16
"""Of the 40 hex digits that name a run; enough to tell two apart."""
_RUN: Final = re.compile(rb"^run_id:(\w{40})", re.MULTILINE)


@define(eq=False)
class _Call:
    """The commands of one caller, until the last is answered."""

    future: asyncio.Future[list[Reply]]
    deadline: float
    replies: list[Reply]
    missing: int


@define(eq=False)
class _Command:
    packed: bytes
    call: _Call
    place: int
    repeated: bool = False


class Line(asyncio.Protocol):
    """A live connection to one run of one server; once lost, it stays lost.

    At most one pipeline is under way; what is asked meanwhile forms the next. A reply
    that is an error fails its own caller alone. Silence beyond the time-out, or bytes
    that are no reply, end the connection and fail all that is under way.

    Attributes:
        run: names the server's run (16 hex digits); it changes with a restart.
    """

    def __init__(
        self, connection: _Taken, run: bytes, *, second: int, timeout_s: float
    ) -> None:
        self.run: Final = run
        self.is_lost = False
        self._connection = connection
        self._timeout_s = timeout_s
        self._loop: Final = asyncio.get_running_loop()
        self._offset_s = second - self._loop.time()
        self._ended: Final = self._loop.create_future()
        self._reader = hiredis.Reader()
        self._waiting: deque[_Command] = deque()
        self._under_way: deque[_Command] = deque()
        self._loads = 0  # replies to SCRIPT LOAD that come first
        self._unknown: list[_Command] = []  # the server lacked their script
        self._flushes = False
        self._watch: asyncio.TimerHandle | None = None
        self._transport: Final = connection.hand_over(self)

    def second(self) -> int:
        """The server's time (seconds since 1970), as counted since it was asked."""
        return int(self._loop.time() + self._offset_s)

    def ask(self, commands: Sequence[bytes]) -> asyncio.Future[list[Reply]]:
        """Send *commands*, at least one; the future has one reply for each.

        It raises Unavailable if there is no reply in time, or one is an error.
        """
        now = self._loop.time()
        call = _Call(
            self._loop.create_future(),
            now + self._timeout_s,
            [None] * len(commands),
            len(commands),
        )
        if self.is_lost:
            call.future.set_exception(Unavailable("the connection to Redis was lost"))
            return call.future
        for place, packed in enumerate(commands):
            self._waiting.append(_Command(packed, call, place))
        if not self._flushes and not self._under_way:
            self._flushes = True
            self._loop.call_soon(self._flush)
        if self._watch is None:
            self._watch = self._loop.call_at(call.deadline, self._look)
        return call.future

    async def aclose(self) -> None:
        """End the connection; whoever still waits gets Unavailable."""
        self._lose("the guard was closed")
        await self._ended

    def data_received(self, data: bytes) -> None:
        """Hand replies to their callers (asyncio calls this)."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._take(reply)
        except (hiredis.ProtocolError, IndexError) as error:
            self._lose(f"Redis said what is no reply ({error})")
            return
        if self._under_way or self._flushes or not (self._waiting or self._unknown):
            return
        # After the callers just answered have run: what they ask next goes along.
        self._flushes = True
        self._loop.call_soon(self._flush)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits (asyncio calls this)."""
        self._lose(
            f"the connection to Redis was lost ({exc or 'closed by the server'})"
        )
        self._ended.set_result(None)

    def _flush(self) -> None:
        self._flushes = False
        if self.is_lost:
            return
        waiting, under_way, packed = self._waiting, self._under_way, []
        if self._unknown:
            packed.append(_LOAD_ALL)
            self._loads = len(SCRIPTS)
            waiting.extendleft(reversed(self._unknown))
            self._unknown.clear()
        while waiting and len(under_way) < MAX_BATCH:
            command = waiting.popleft()
            if not command.call.future.done():  # its caller may be gone
                under_way.append(command)
                packed.append(command.packed)
        if packed:
            self._transport.write(b"".join(packed))

    def _take(self, reply: Reply) -> None:
        if self._loads:
            self._loads -= 1
            return
        command = self._under_way.popleft()
        call = command.call
        if isinstance(reply, hiredis.ReplyError):
            if str(reply).startswith("NOSCRIPT") and not command.repeated:
                # The server has not run it, so that it may be sent again.
                command.repeated = True
                self._unknown.append(command)
            elif not call.future.done():
                call.future.set_exception(Unavailable(f"Redis refused: {reply}"))
            return
        call.replies[command.place] = reply
        call.missing -= 1
        if not call.missing and not call.future.done():
            call.future.set_result(call.replies)

    def _look(self) -> None:
        """End a silent connection; else look again when the next call is due."""
        self._watch = None
        now = self._loop.time()
        deadlines = [command.call.deadline for command in self._outstanding()]
        if not deadlines:
            return
        if min(deadlines) <= now:
            self._lose(f"Redis did not answer within {self._timeout_s:g} s")
        else:
            self._watch = self._loop.call_at(min(deadlines), self._look)

    def _lose(self, why: str) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        if self._watch is not None:
            self._watch.cancel()
        self._transport.abort()
        self._connection.let_go()
        for command in self._outstanding():
            command.call.future.set_exception(Unavailable(why))
        self._under_way.clear()
        self._unknown.clear()
        self._waiting.clear()

    def _outstanding(self) -> Iterator[_Command]:
        for command in chain(self._under_way, self._unknown, self._waiting):
            if not command.call.future.done():
                yield command


async def open_line(pool: ConnectionPool, *, timeout_s: float) -> Line:
    """Connect as *pool* would, load the scripts and learn which run this is.

    Raises:
        Unavailable: the server cannot be reached, or lets us not in.
    """
    settings = {
        **pool.connection_kwargs,
        "decode_responses": False,
        "health_check_interval": 0,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),  # whoever asks the guard decides
        "retry_on_error": [],
        "retry_on_timeout": False,
        "socket_connect_timeout": timeout_s,
        "socket_timeout": timeout_s,
    }
    kind = type("_Connection", (_Taken, pool.connection_class), {})
    connection = kind(**settings)
    try:
        async with asyncio.timeout(timeout_s):
            await connection.connect()
            await connection.send_packed_command([INFO, _TIME, _LOAD_ALL])
            info = await connection.read_response()
            second, _ = await connection.read_response()
            for _ in SCRIPTS:
                await connection.read_response()
        run = run_of(info)
    except BaseException as error:
        await connection.disconnect(nowait=True)
        if isinstance(error, RedisError | OSError):
            msg = f"Redis cannot be reached: {error}"
            raise Unavailable(msg) from error
        raise
    return Line(connection, run[:RUN_DIGITS], second=int(second), timeout_s=timeout_s)


def pack(script: Script, keys: Sequence[str], *arguments: Argument) -> bytes:
    """Pack a call of *script*."""
    return pack_command(("EVALSHA", script.sha, len(keys), *keys, *arguments))


def run_of(info: Reply) -> bytes:
    """Find the run in what INFO answers: 40 hex digits.

    Raises:
        Unavailable: it is not there.
    """
    found = _RUN.search(info)
    if found is None:
        msg = "Redis does not say which run it is (INFO server)"
        raise Unavailable(msg)
    return bytes(found[1])


class _Taken:
    """Mixed into a connection class of redis-py: gives its transport away."""

    _reader: asyncio.StreamReader | None
    _writer: asyncio.StreamWriter | None

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Have *protocol* receive what the server says from now on."""
        if self._writer is None:
            msg = "the connection to Redis was lost"
            raise Unavailable(msg)
        transport = cast("asyncio.Transport", self._writer.transport)
        transport.set_protocol(protocol)
        return transport

    def let_go(self) -> None:
        """Forget the transport, which its taker has closed."""
        self._reader = self._writer = None


INFO: Final = pack_command(("INFO", "server"))
_TIME: Final = pack_command(("TIME",))
_LOAD_ALL: Final = b"".join(
    pack_command(("SCRIPT", "LOAD", script.source)) for script in SCRIPTS.values()
)
