"""What can go wrong on the way to a mail vendor: the faults of `faults.py`."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Mapping
from typing import Final

import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from outreach.entrypoints.sandbox.answers import hang_up, wait_until_gone
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.faults import FAULTS, Certain, Fault, fault_of
from outreach.entrypoints.sandbox.ground import Ground
from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.wire import FORBIDDEN_PAGE

__all__ = ["Trouble"]

_REFUSING: Final = (Fault.RATE_LIMITED, Fault.UNAVAILABLE)


@attrs.define(kw_only=True, eq=False)
class Trouble:
    """Strikes some requests of one vendor.

    `refusals` say how that vendor words a 429 and a 503. `certain` is the vendor's
    own: each has every kind of fault once, by so many `recipients`.
    """

    _ground: Ground
    _wire: str
    _certain: Certain
    _recipients: Callable[[], int]
    _refusals: Mapping[Fault, Callable[[], Response]]
    _arrivals: collections.Counter[str] = attrs.field(
        factory=collections.Counter, init=False
    )
    _looks: collections.Counter[str] = attrs.field(
        factory=collections.Counter, init=False
    )

    def recall(self, line: Json) -> None:
        """Take a line of a fault or an acceptance after a restart."""
        if "arrival" in line:
            key = line["key"]
            self._arrivals[key] = max(self._arrivals[key], line["arrival"])
        if line["kind"] in FAULTS and line["of"] == "send":
            self._certain.note(line["kind"])

    async def meet(
        self, request: Request, key: str, accept: Callable[[str, int], Response]
    ) -> Response:
        """Answer a request to send.

        `key` is whom it is about. `accept` takes it in, given "ok" or "lost", which
        is what becomes of the answer, and the number of this arrival; it is called
        at most once.
        """
        ground, knobs = self._ground, self._ground.behaviour()
        self._arrivals[key] += 1
        arrival = self._arrivals[key]
        fault = fault_of(ground.seed, knobs, f"{self._wire} {key}", arrival)
        due = self._certain.due(FAULTS, self._recipients())
        if arrival == 1 and due is not None:
            fault = Fault(due)
        if fault is None:
            return accept("ok", arrival)
        self._certain.note(fault)
        ground.journal.note(
            fault, of="send", wire=self._wire, key=key, to=key, arrival=arrival
        )
        if fault in _REFUSING:
            return self._refusals[fault]()
        if fault is Fault.EDGE_REFUSED:
            return HTMLResponse(FORBIDDEN_PAGE, 403)
        draw = Draw.about(ground.seed, "line", self._wire, key, arrival)
        if fault is Fault.SLOW:
            answer = accept("ok", arrival)
            await asyncio.sleep(draw.between("slow", 0, knobs.slow_longest_s))
            return answer
        if fault is not Fault.LOST_BEFORE:
            accept("lost", arrival)
        if fault is Fault.STALLED:
            try:
                await asyncio.wait_for(wait_until_gone(request), knobs.stall_s)
            except TimeoutError:
                pass
            else:
                return Response()
        is_reset = draw.happens("reset", knobs.torn_by_reset)
        return await hang_up(request, reset=is_reset)

    def stumble(self, request: Request) -> Response | None:
        """Be unavailable to a request that reads, now and then."""
        path = request.url.path
        self._looks[path] += 1
        draw = Draw.about(self._ground.seed, "look", path, self._looks[path])
        if not draw.happens("unavailable", self._ground.behaviour().read_unavailable):
            return None
        self._ground.journal.note("503", of="read", wire=self._wire, path=path)
        return self._refusals[Fault.UNAVAILABLE]()
