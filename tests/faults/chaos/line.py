"""A bad line: a proxy between a client and a server, TCP or unix on either side.

Faults are drawn per connection from a seed: latency, a cut after so many bytes, silence
(nothing is passed on any more, then the line is closed), and a half that is closed.
What it holds back it never passes on later than it says: a network that delivers
minutes later is not what the protocol's grace covers, nor is this.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

__all__ = ["FAULTS", "Line", "Plan", "main"]

FAULTS: Final = ("latency", "cut", "silence", "half-close")

_CHUNK: Final = 1 << 16


@frozen
class Plan:
    """How a line is bad.

    Attributes:
        to: ``host:port``, or the path of a unix socket.
        shares: by fault, of connections that meet it; the rest are good.
        latency_s: at most, for each piece.
        most_bytes: in one direction, before a cut, silence or half-close.
        silence_s: from silence to the end of the connection.
    """

    to: str
    shares: Mapping[str, float]
    seed: int = 0
    latency_s: float = 0.02
    most_bytes: int = 40_000
    silence_s: float = 0.5


@define(eq=False)
class Line:
    """One listening end."""

    plan: Plan
    met: Counter[str] = field(factory=Counter, init=False)
    _rng: Random = field(init=False)

    @_rng.default
    def _seeded(self) -> Random:
        return Random(f"line {self.plan.seed}")

    async def serve(self, at: str) -> asyncio.Server:
        """Listen at ``host:port`` or a path."""
        if ":" in at:
            host, port = at.rsplit(":", 1)
            return await asyncio.start_server(self._carry, host, int(port))
        return await asyncio.start_unix_server(self._carry, at)

    def _fault(self) -> str:
        rest = self._rng.random()
        for name, share in self.plan.shares.items():
            rest -= share
            if rest < 0:
                return name
        return ""

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        fault, after = self._fault(), self._rng.randint(1, self.plan.most_bytes)
        upwards = self._rng.random() < 0.5
        self.met[fault or "good"] += 1
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            writer.close()
            return
        ways = [
            _Way(self.plan, reader, far_writer, fault, after, struck=upwards),
            _Way(self.plan, far_reader, writer, fault, after, struck=not upwards),
        ]
        tasks = [asyncio.create_task(way.carry()) for way in ways]
        with suppress(OSError):
            await asyncio.gather(*tasks)
        for task in tasks:
            task.cancel()
        for end in (writer, far_writer):
            end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        to = self.plan.to
        if ":" in to:
            host, port = to.rsplit(":", 1)
            return await asyncio.open_connection(host, int(port))
        return await asyncio.open_unix_connection(to)


class _Cut(OSError):
    """The line is torn."""


@define(eq=False)
class _Way:
    """One direction of one connection."""

    plan: Plan
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fault: str
    left: int
    struck: bool = field(kw_only=True)

    async def carry(self) -> None:
        delay = self.plan.latency_s if self.fault == "latency" else 0.0
        while piece := await self.reader.read(_CHUNK):
            if delay:
                await asyncio.sleep(delay)
            if self.struck and self.fault in {"cut", "silence", "half-close"}:
                piece = piece[: self.left]
                self.left -= len(piece)
            self.writer.write(piece)
            await self.writer.drain()
            if self.left <= 0:
                await self._end()
                return
        if self.writer.can_write_eof():
            self.writer.write_eof()

    async def _end(self) -> None:
        if self.fault == "half-close":
            self.writer.write_eof()
            # the other direction goes on; what comes this way is swallowed
            while await self.reader.read(_CHUNK):
                continue
            return
        if self.fault == "silence":
            await asyncio.sleep(self.plan.silence_s)
        raise _Cut


def main(options: Mapping[str, Any]) -> None:
    """Serve several lines until killed; ``told`` is a file of what they met."""
    asyncio.run(_serve(options))


async def _serve(options: Mapping[str, Any]) -> None:
    lines = [(Line(Plan(**one["plan"])), one["at"]) for one in options["lines"]]
    servers = [await line.serve(at) for line, at in lines]
    while servers:
        _tell(options["told"], {at: line.met for line, at in lines})
        await asyncio.sleep(0.2)


def _tell(file: str, met: Mapping[str, Mapping[str, int]]) -> None:
    """Replaced at once, so that nobody reads half of it."""
    fresh = Path(f"{file}.new")
    fresh.write_text(json.dumps(met))
    fresh.replace(file)
