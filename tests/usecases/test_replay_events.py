"""Stored events decided again: page by page, and by nothing that could do anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from attrs import define, evolve, field
from tests.unit.cases import uid
from tests.usecases.engine import REVIEWERS, Script

from outreach.adapters.rules import RuleAnalyst
from outreach.domain.address import phone_key
from outreach.domain.analysis import Reply
from outreach.domain.change import Known
from outreach.domain.channel import Channel, State
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import EventId, LeadId, TenantId
from outreach.domain.journey import Journey
from outreach.domain.replay import Asked, EventStatus, Made, Past, Said, Then
from outreach.domain.sequence import MessageTemplate
from outreach.domain.usecases.replay_events import Replayed, ReplayEvents
from outreach.testing.invented import PROVIDER, START

TENANT = TenantId(uid(0xA))
LEAD = LeadId(uid(6))
STOP = "Nu mai vreau mesaje, opriți-vă."


def event(number: int, **changes: Any) -> SystemEvent:
    made = SystemEvent(
        key=f"reply {number}",
        provider=PROVIDER,
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        address=phone_key("+40722999999"),
        content=STOP,
    )
    return evolve(made, **changes)


def past(number: int, **changes: Any) -> Past:
    made = Past(
        id=EventId(uid(1000 + number)),
        provider=PROVIDER,
        account="default",
        key=f"reply {number}",
        type=EventType.REPLY,
        raw=str(number).encode(),
        status=EventStatus.APPLIED,
        tenant=TENANT,
        lead=LEAD,
    )
    return evolve(made, **changes)


def then(**changes: Any) -> Then:
    """A lead that was written to says stop: dead, and suppressed."""
    journey = Journey(LEAD, state=State.CONTACTED_WA, version=3)
    known = Known(TENANT, START, journey, number="+40722999999", language="ro")
    made = Made(
        moves=((State.CONTACTED_WA, State.WARM_REPLY), (State.WARM_REPLY, State.DEAD)),
        suppressed=frozenset({("phone", "OPT_OUT")}),
        said=Said(STOP),
    )
    return evolve(Then(known=known, made=made), **changes)


@define
class Stored:
    """A history that is never held whole.

    Attributes:
        pages: number and size of each page that was asked for.
    """

    count: int
    standing: Then
    of: Past = field(factory=lambda: past(0))
    pages: list[int] = field(factory=list)

    async def page(
        self,
        since: datetime,
        after: EventId | None,
        limit: int,
        *,
        provider: str | None = None,
    ) -> Sequence[Past]:
        assert since == START
        assert provider is None
        first = 0 if after is None else after.int - 1000 + 1
        self.pages.append(limit)
        numbers = range(first, min(first + limit, self.count))
        return [
            evolve(
                self.of,
                id=EventId(uid(1000 + n)),
                key=f"reply {n}",
                raw=str(n).encode(),
            )
            for n in numbers
        ]

    async def then(self, read: Sequence[tuple[Past, SystemEvent]]) -> Sequence[Then]:
        return [self.standing for _ in read]


class Numbered:
    """Reads a number as the reply of that number."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        return [event(int(raw))]


async def texts(tenant: TenantId) -> Sequence[MessageTemplate]:
    assert tenant == TENANT
    return ()


def replay(history: Stored, reader: Numbered | Script | None = None) -> ReplayEvents:
    return ReplayEvents(
        history,
        {PROVIDER: reader or Numbered()},
        RuleAnalyst(),
        texts,
        REVIEWERS,
        page=100,
    )


async def told(use: ReplayEvents, limit: int | None = None) -> list[Replayed]:
    found: list[Replayed] = []
    await use(START, found.append, limit=limit)
    return found


async def shown(
    standing: Then, reader: Script | None = None, of: Past | None = None
) -> tuple[bool, list[str]]:
    (one,) = await told(replay(Stored(1, standing, of or past(0)), reader))
    return one.decided, [str(each) for each in one.differences]


async def test_thousands_of_events_are_told_page_by_page() -> None:
    stored = Stored(5_050, then())
    told_at: list[int] = []

    await replay(stored)(START, lambda _: told_at.append(len(stored.pages)))

    assert len(told_at) == 5_050
    assert told_at == [n // 100 + 1 for n in range(5_050)]
    assert len(stored.pages) == 51


@pytest.mark.parametrize(
    ("limit", "count", "pages"),
    [(1, 1, [1]), (100, 100, [100]), (150, 150, [100, 50]), (999, 250, [100] * 3)],
)
async def test_no_more_than_the_limit(limit: int, count: int, pages: list[int]) -> None:
    stored = Stored(250, then())

    assert len(await told(replay(stored), limit)) == count
    assert stored.pages == pages


async def test_what_is_not_read_any_more() -> None:
    other = Script({b"0": [event(1)]})

    assert await shown(then(), other) == (
        False,
        ["key: stored under its key -> not read any more"],
    )


async def test_a_reader_that_raises() -> None:
    assert await shown(then(), Script({})) == (
        False,
        ["reading: REPLY -> raises KeyError"],
    )


async def test_what_is_read_differently() -> None:
    other = Script({b"0": [event(0, type=EventType.AUTO_REPLY, content="Nu")]})

    _, found = await shown(evolve(then(), same_address=False), other)

    assert found[:3] == [
        "type: REPLY -> AUTO_REPLY",
        "address: as it was stored -> another",
        f"content: {len(STOP)} characters -> another text of 2 characters",
    ]


async def test_an_event_that_leads_to_another_lead() -> None:
    standing = then()
    assert standing.known is not None
    other = evolve(standing.known, journey=Journey(LeadId(uid(7))))

    assert await shown(evolve(standing, known=other)) == (
        False,
        [f"lead: {LEAD} -> {uid(7)}"],
    )
    assert await shown(evolve(standing, known=None)) == (
        False,
        [f"lead: {LEAD} -> nobody"],
    )


async def test_what_was_not_applied_is_only_read() -> None:
    closed = past(0, status=EventStatus.CLOSED, tenant=None, lead=None)

    assert await shown(Then(), of=closed) == (False, [])


async def test_what_is_decided_differently() -> None:
    standing = then()
    made = standing.made
    assert made is not None
    changed = evolve(
        made, moves=(), suppressed=frozenset(), asked=Asked("COMPLAINT", "URGENT")
    )

    decided, found = await shown(evolve(standing, made=changed))

    assert decided
    assert "state: no move -> CONTACTED_WA to WARM_REPLY to DEAD" in found
    assert "suppression: nothing -> phone (OPT_OUT)" in found
    assert "review: COMPLAINT URGENT -> nobody asked" in found
    assert not any("+40" in line for line in found)


async def test_an_address_that_was_suppressed_before_is_no_difference() -> None:
    standing = then()
    made = standing.made
    assert made is not None
    before = evolve(
        made,
        suppressed=frozenset(),
        known_stops=frozenset({phone_key("+40722999999")}),
    )

    _, found = await shown(evolve(standing, made=before))

    assert not [line for line in found if line.startswith("suppression")]


async def test_what_a_model_said_stands() -> None:
    """No model is asked: its recorded word is what the rules go by."""
    use = RuleAnalyst()
    standing = then()
    made = standing.made
    assert made is not None
    said = await use.analyse(Reply(STOP), received_on=START.date(), tenant=TENANT)
    modelled = evolve(said, by="gpt/1", raw="{}", sentiment=77)
    recorded = evolve(made, said=Said(STOP, analysis=modelled))

    _, found = await shown(evolve(standing, made=recorded))

    assert not [line for line in found if line.startswith("analysis")]
