"""Delivers webhooks as the vendor does: three tries, five seconds each, no more.

Before a body is first posted, a line `webhook_due` with the body and its copies
goes to the events log; each try adds a line `webhook`. A restart delivers what
is due and not yet done, so that a reply is not lost with a killed process.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
from collections.abc import Callable
from typing import Final

import attrs
import httpx

from outreach.entrypoints.sandbox.agenda import Agenda
from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.copies import Copy, copies_of
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.faults import Certain
from outreach.entrypoints.sandbox.journal import Journal, Json
from outreach.entrypoints.sandbox.subscriptions import Subscription, Subscriptions

__all__ = ["Postman"]

_SUCCESS: Final = range(200, 300)
_USER_AGENT: Final = "TimelinesAI webhooks"


@attrs.frozen
class _Due:
    key: str
    event_type: str
    webhook_id: int
    body: str
    at_s: float
    copies: tuple[Copy, ...]


@attrs.frozen
class _Outcome:
    """How one try went; after a final one there is no other."""

    attempt: int
    status: int | None
    why: str
    final: bool


@attrs.define(kw_only=True, eq=False)
class Postman:
    """Plans and makes deliveries. Closed until `open`, which a restart delays.

    `clients` are as many as deliveries may go on at once, one connection each: a
    shared pool costs more with every request that waits for it.
    """

    _seed: int
    _behaviour: Callable[[], Behaviour]
    _journal: Journal
    _agenda: Agenda
    _certain: Certain
    _subscriptions: Subscriptions
    _clients: asyncio.Queue[httpx.AsyncClient]
    _opened: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def open(self) -> None:
        """Let deliveries go out."""
        self._opened.set()

    def is_wanted(self, event_type: str) -> bool:
        return bool(self._subscriptions.wanting(event_type))

    def post(self, body: Json, *, key: str, at_s: float, recipients: int) -> None:
        """Plan the deliveries of an event to all who want it.

        `key` identifies the event among those of its type; `recipients` is how
        many people were written to, for the kinds that must happen.
        """
        event_type: str = body["event_type"]
        for one in self._subscriptions.wanting(event_type):
            draw = Draw.about(self._seed, "webhook", event_type, key)
            copies = copies_of(draw, self._behaviour(), self._certain, recipients)
            text = json.dumps(body, ensure_ascii=False)
            due = _Due(key, event_type, one.id, text, at_s, copies)
            self._journal.note("webhook_due", **attrs.asdict(due))
            self._plan(due, copies, waited_s=0.0)

    def resume(self, events: list[Json], now_s: float) -> None:
        """Plan again what was due before a restart and is not done."""
        done = {
            (line["webhook_id"], line["event_type"], line["key"], line["copy"])
            for line in events
            if line["kind"] == "webhook" and line["final"]
        }
        for line in events:
            if line["kind"] != "webhook_due":
                continue
            copies = tuple(Copy(**copy) for copy in line["copies"])
            due = _Due(
                line["key"],
                line["event_type"],
                line["webhook_id"],
                line["body"],
                line["at_s"],
                copies,
            )
            name = (due.webhook_id, due.event_type, due.key)
            left = tuple(copy for copy in copies if (*name, copy.number) not in done)
            self._plan(due, left, waited_s=(now_s - due.at_s) * self._agenda.speed)

    def _plan(self, due: _Due, copies: tuple[Copy, ...], *, waited_s: float) -> None:
        for copy in copies:
            start = functools.partial(self._start, due, copy)
            self._agenda.after(copy.delay_s - waited_s, start)

    def _start(self, due: _Due, copy: Copy) -> None:
        self._agenda.start(self._deliver(due, copy))

    async def _deliver(self, due: _Due, copy: Copy) -> None:
        await self._opened.wait()
        knobs = self._behaviour()
        for attempt in range(1, knobs.webhook_tries + 1):
            one = self._subscriptions.find(str(due.webhook_id))
            if one is None or not one.enabled:
                self._note(due, copy, _Outcome(attempt, None, "gone", final=True))
                return
            status, why = await self._try(one, due.body, knobs.webhook_timeout_s)
            accepted = status in _SUCCESS
            final = accepted or attempt == knobs.webhook_tries
            self._note(due, copy, _Outcome(attempt, status, why, final))
            if accepted:
                one.errors_counter = 0
                return
            if final:
                one.errors_counter += 1
                return
            await asyncio.sleep(knobs.webhook_gap_s)

    async def _try(
        self, one: Subscription, body: str, timeout_s: float
    ) -> tuple[int | None, str]:
        headers = {"content-type": "application/json", "user-agent": _USER_AGENT}
        client = await self._clients.get()
        try:
            async with asyncio.timeout(timeout_s):
                answer = await client.post(
                    one.url, content=body.encode(), headers=headers
                )
        except TimeoutError:
            return None, "no answer in time"
        except httpx.HTTPError as error:
            return None, type(error).__name__
        finally:
            self._clients.put_nowait(client)
        return answer.status_code, ""

    def _note(self, due: _Due, copy: Copy, outcome: _Outcome) -> None:
        self._journal.note(
            "webhook",
            **{"pass": copy.kind},
            event_type=due.event_type,
            key=due.key,
            webhook_id=due.webhook_id,
            copy=copy.number,
            **attrs.asdict(outcome),
            sha256=hashlib.sha256(due.body.encode()).hexdigest(),
        )
