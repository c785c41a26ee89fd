"""A provider on loopback for adapters that speak HTTP: its author says how it answers
when all is well, and in which words it refuses; what goes wrong beyond that is the same
for everybody, and comes from here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Final, Protocol

from attrs import define, evolve

from outreach.ports.gateway import Gateway
from outreach.testing.fault_server import (
    Asked,
    FaultServer,
    Hangs,
    HangsUp,
    Reaction,
    Says,
    unused_url,
)
from outreach.testing.gateway_bench import WAIT, Situation

__all__ = ["HttpBench", "Opens", "Wire", "over_http"]

_SLOW_S: Final = 0.3
_EDGE: Final = b"<!DOCTYPE html><html><title>Attention required!</title></html>"
_CUT: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{"
_BEFORE: Final[Mapping[Situation, Reaction]] = MappingProxyType(
    {
        Situation.RATE_LIMITED: Says(
            429, {}, headers={"retry-after": str(int(WAIT.total_seconds()))}
        ),
        Situation.RATE_LIMITED_SOMEHOW: Says(429, b"slow down"),
        Situation.TURNED_AWAY: Says(403, _EDGE),
        Situation.KEY_REVOKED: Says(401, {}),
        Situation.LOST: HangsUp(),
    }
)
"""Where the provider takes nothing."""
_AFTER: Final[Mapping[Situation, Reaction]] = MappingProxyType(
    {
        Situation.BUSY_SOMEWHERE: Says(503, b"<html>upstream</html>"),
        Situation.BROKEN: Says(500, {}),
        Situation.SILENT: Hangs(),
        Situation.CUT_OFF: HangsUp(_CUT),
        Situation.RUBBISH: Says(200, b"\x00\xffOK"),
    }
)
"""Where it has taken the message, and its answer is lost or says nothing."""
_DEAF: Final = {Situation.SILENT, Situation.CUT_OFF, Situation.LOST}


class Wire(Protocol):
    """A provider as its own documents describe it, with a memory."""

    @property
    def accepted(self) -> Sequence[str]:
        """Texts of the messages it took, in order."""
        ...

    @property
    def refusals(self) -> Mapping[Situation, Says]:
        """Its own words, at least for `NOBODY_THERE` and `BUSY`; for the rest the
        kit knows what HTTP says.
        """
        ...

    def is_send(self, asked: Asked) -> bool:
        """Whether this request hands a message over."""
        ...

    def answer(self, asked: Asked) -> Says:
        """Do what is asked for and say so: take the message, list the accounts, ..."""
        ...


Opens = Callable[[str], AbstractAsyncContextManager[Gateway]]
"""From a base URL to the adapter that speaks to it."""


@define(eq=False)
class HttpBench:
    """Implements `outreach.testing.gateway.Workbench`.

    Attributes:
        wire: the provider; what else a suite asks a bench for is asked of it.
        url: where it listens.
    """

    wire: Any
    there: Gateway
    nowhere: Gateway
    url: str = ""
    situation: Situation = Situation.WELL
    arrivals: int = 0

    @property
    def gateway(self) -> Gateway:
        """The adapter; one that finds nobody there while nobody shall be reachable."""
        gone = self.situation is Situation.UNREACHABLE
        return self.nowhere if gone else self.there

    @property
    def accepted(self) -> Sequence[str]:
        """What the provider took."""
        found: Sequence[str] = self.wire.accepted
        return found

    async def arrange(self, situation: Situation) -> None:
        """Bring about what the calls that follow meet."""
        self.situation = situation

    def react(self, asked: Asked) -> Reaction:
        """What the provider and the line do about one request."""
        sends = self.wire.is_send(asked)
        self.arrivals += sends
        refused = self._refused(sends=sends)
        if refused is not None:
            return refused
        answer: Says = self.wire.answer(asked)
        if not sends:
            return answer
        if self.situation is Situation.SLOW:
            return evolve(answer, after_s=_SLOW_S)
        return _AFTER.get(self.situation, answer)

    def _refused(self, *, sends: bool) -> Reaction | None:
        now = self.situation
        own = self.wire.refusals
        if not sends:
            if now is Situation.KEY_REVOKED:
                return own.get(now) or _BEFORE[now]
            return {**_BEFORE, **_AFTER}[now] if now in _DEAF else None
        if now is Situation.FIRST_REFUSED:
            now = Situation.NOBODY_THERE
        needed = now in {Situation.NOBODY_THERE, Situation.BUSY}
        assert not needed or now in own, f"the wire has no words for {now.name}"
        return own.get(now) or _BEFORE.get(now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wire, name)


@asynccontextmanager
async def over_http(wire: Any, opens: Opens) -> AsyncIterator[HttpBench]:
    """A bench whose provider is *wire*, spoken to by what *opens* makes."""
    bench: HttpBench

    def react(asked: Asked) -> Reaction:
        return bench.react(asked)

    async with (
        FaultServer(react) as server,
        opens(server.url) as there,
        opens(unused_url()) as nowhere,
    ):
        bench = HttpBench(wire, there, nowhere, server.url)
        yield bench
