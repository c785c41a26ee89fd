"""Posts the webhooks of a mail vendor, and tries again as that vendor does.

Before a body is first posted, a line `webhook_due` goes to the events log; each try
adds a line `webhook`. A restart delivers what is due and not yet done.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import attrs
import httpx

from outreach.entrypoints.sandbox.copies import Copy, copies_of
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.faults import Certain
from outreach.entrypoints.sandbox.ground import Ground
from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.world import uid_of

__all__ = ["SUCCESS", "Courier", "Due", "Tried", "Vendor"]

SUCCESS: Final = range(200, 300)


@attrs.frozen
class Due:
    """One event for one receiver. `id` is the same for every try and repeat."""

    id: str
    hook_id: str
    event_type: str
    key: str
    body: str
    at_s: float
    copies: tuple[Copy, ...] = ()


@attrs.frozen
class Tried:
    """How one try went; `again_s` is the engine time to the next, None: the last."""

    attempt: int
    copy: int
    status: int | None
    why: str
    took_s: float
    again_s: float | None


class Vendor(Protocol):
    """What differs between vendors."""

    def address(self, hook_id: str) -> str | None:
        """Say where a receiver is; None if it is gone or disabled."""
        ...

    def headers(self, due: Due) -> Mapping[str, str]:
        """Give the headers of one try, made when it is made."""
        ...

    def gaps_s(self) -> Sequence[float]:
        """List the waits before the second try, the third and so on (engine s)."""
        ...

    def tried(self, due: Due, tried: Tried) -> None:
        """Take note of a try."""
        ...


@attrs.define(kw_only=True, eq=False)
class Courier:
    """Plans and makes deliveries. Closed until `open`: after a restart, when whoever
    is told comes with a request.
    """

    _ground: Ground
    _wire: str
    _certain: Certain
    _vendor: Vendor
    _opened: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def open(self) -> None:
        """Let deliveries go out."""
        self._opened.set()

    def post(
        self, hook_ids: Sequence[str], event_type: str, key: str, body: Json
    ) -> None:
        """Plan the deliveries of an event that is the only one of this type and key."""
        ground = self._ground
        for hook_id in hook_ids:
            draw = Draw.about(ground.seed, "webhook", self._wire, event_type, key)
            recipients = len(ground.world.people)
            knobs = ground.behaviour()
            due = Due(
                uid_of(ground.seed, self._wire, "event", hook_id, event_type, key),
                hook_id,
                event_type,
                key,
                json.dumps(body, ensure_ascii=False),
                time.time(),
                copies_of(draw, knobs, self._certain, recipients),
            )
            ground.journal.note("webhook_due", wire=self._wire, **attrs.asdict(due))
            self._plan(due, due.copies, waited_s=0.0)

    def resume(self, events: Sequence[Json]) -> None:
        """Plan again what was due before a restart and is not done.

        `events` are the lines of this wire.
        """
        done = {
            (line["due"], line["copy"])
            for line in events
            if line["kind"] == "webhook" and line["again_s"] is None
        }
        now_s = time.time()
        for line in events:
            if line["kind"] != "webhook_due":
                continue
            copies = tuple(Copy(**copy) for copy in line["copies"])
            for copy in copies:
                self._certain.note(copy.kind)
            names = [field.name for field in attrs.fields(Due)]
            due = Due(**{name: line[name] for name in names} | {"copies": copies})
            left = tuple(copy for copy in copies if (due.id, copy.number) not in done)
            speed = self._ground.agenda.speed
            self._plan(due, left, waited_s=(now_s - due.at_s) * speed)

    def _plan(self, due: Due, copies: Sequence[Copy], *, waited_s: float) -> None:
        for copy in copies:
            start = functools.partial(self._start, due, copy, 1)
            self._ground.agenda.after(copy.delay_s - waited_s, start)

    def _start(self, due: Due, copy: Copy, attempt: int) -> None:
        self._ground.agenda.start(self._deliver(due, copy, attempt))

    async def _deliver(self, due: Due, copy: Copy, attempt: int) -> None:
        await self._opened.wait()
        began_s = time.monotonic()
        url = self._vendor.address(due.hook_id)
        status, why = (None, "gone") if url is None else await self._try(url, due)
        gaps = self._vendor.gaps_s()
        is_last = url is None or status in SUCCESS or attempt > len(gaps)
        again_s = None if is_last else gaps[attempt - 1]
        took_s = time.monotonic() - began_s
        tried = Tried(attempt, copy.number, status, why, took_s, again_s)
        self._ground.journal.note(
            "webhook",
            wire=self._wire,
            **{"pass": copy.kind},
            due=due.id,
            event_type=due.event_type,
            key=due.key,
            webhook_id=due.hook_id,
            **attrs.asdict(tried),
            sha256=hashlib.sha256(due.body.encode()).hexdigest(),
        )
        if url is not None:
            self._vendor.tried(due, tried)
        if again_s is not None:
            start = functools.partial(self._start, due, copy, attempt + 1)
            self._ground.agenda.after(again_s, start)

    async def _try(self, url: str, due: Due) -> tuple[int | None, str]:
        headers = {"content-type": "application/json", **self._vendor.headers(due)}
        client = await self._ground.clients.get()
        try:
            async with asyncio.timeout(self._ground.behaviour().webhook_timeout_s):
                answer = await client.post(
                    url, content=due.body.encode(), headers=headers
                )
        except TimeoutError:
            return None, "no answer in time"
        except httpx.HTTPError as error:
            return None, type(error).__name__
        finally:
            self._ground.clients.put_nowait(client)
        return answer.status_code, ""
