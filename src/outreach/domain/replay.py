"""What another version would have made of an event, against what was made of it.

Pure: it compares what is recorded of an event with the change that the present rules
make of it, over the lead as it was then.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.address import AddressKey
from outreach.domain.analysis import Analysis
from outreach.domain.breaker import MailFault
from outreach.domain.change import Change, Known
from outreach.domain.channel import State
from outreach.domain.drafting import Draft
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import EventId, LeadId, TenantId

__all__ = [
    "Asked",
    "Difference",
    "EventStatus",
    "Made",
    "Past",
    "Said",
    "Then",
    "Topic",
    "made_differently",
    "read_differently",
    "unread",
]

_NOTHING: Final = "nothing"
_BOUNCES: Final = frozenset({EventType.BOUNCE, EventType.SOFT_BOUNCE})


class EventStatus(StrEnum):
    """What became of a stored event."""

    WAITING = "WAITING"
    APPLIED = "APPLIED"
    CLOSED = "CLOSED"
    PARKED = "PARKED"


class Topic(StrEnum):
    """What differs."""

    READING = "reading"
    KEY = "key"
    TYPE = "type"
    ADDRESS = "address"
    CONTENT = "content"
    LEAD = "lead"
    RULES = "rules"
    STATE = "state"
    ANOMALY = "anomaly"
    ANALYSIS = "analysis"
    REVIEW = "review"
    SUPPRESSION = "suppression"
    ANSWER = "answer"
    BOUNCE = "bounce"


@frozen
class Difference:
    """One thing that is recorded in one way, and would be another now.

    Attributes:
        was, now: in words without an address, a number or a text of anybody.
    """

    topic: Topic
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.was} -> {self.now}"


@frozen
class Past:
    """A stored event, and what became of it.

    Attributes:
        why: it was closed or parked.
        tenant, lead: whom it was applied to; None: to nobody.
    """

    id: EventId
    provider: str
    account: str
    key: str
    type: EventType
    raw: bytes = field(repr=False)
    status: EventStatus
    why: str = ""
    tenant: TenantId | None = None
    lead: LeadId | None = None


@frozen
class Said:
    """The log's row of a message that came in, or that a person sent."""

    content: str = field(repr=False)
    subject: str = field(default="", repr=False)
    analysis: Analysis | None = None
    draft: Draft | None = None


@frozen
class Asked:
    """What a person was asked.

    Attributes:
        reason: empty where other messages were folded into the same item, for then
            nobody knows which of them gave it.
        priority: empty where it may have been raised since.
    """

    reason: str = ""
    priority: str = ""


@frozen
class Made:
    """What was committed of an event.

    Attributes:
        moves: of the lead's journey, (before, after).
        suppressed: by this event, (kind of address, reason).
        known_stops: addresses of the lead that were suppressed before it.
        answered: a reply was planned that no person looked at.
        bounced: it was counted as a mail that came back.
    """

    moves: tuple[tuple[State, State], ...] = ()
    anomaly: str = ""
    said: Said | None = None
    asked: Asked | None = None
    suppressed: frozenset[tuple[str, str]] = frozenset()
    known_stops: frozenset[AddressKey] = field(default=frozenset(), repr=False)
    answered: bool = False
    bounced: bool = False


@frozen
class Then:
    """What the store knows of an event that was read again.

    Attributes:
        same_address: what it was stored under is what it is read as.
        known: the lead that it leads to, as it was then; None: to none.
        made: None: it was not applied.
    """

    same_address: bool = True
    known: Known | None = None
    made: Made | None = None


def unread(past: Past, error: Exception) -> Difference:
    """A reader that raises has a defect, whatever the bytes are."""
    return Difference(Topic.READING, str(past.type), f"raises {type(error).__name__}")


def read_differently(
    past: Past, event: SystemEvent | None, then: Then
) -> tuple[Difference, ...]:
    """How the reading of an event differs; *event* is None if its key is not read."""
    if event is None:
        return (Difference(Topic.KEY, "stored under its key", "not read any more"),)
    found = []
    if event.type is not past.type:
        found.append(Difference(Topic.TYPE, str(past.type), str(event.type)))
    if not then.same_address:
        found.append(Difference(Topic.ADDRESS, "as it was stored", "another"))
    said = None if then.made is None else then.made.said
    if said is not None and not event.incomplete and said.content != event.content:
        now = f"{len(event.content)} characters"
        was = f"{len(said.content)} characters"
        found.append(Difference(Topic.CONTENT, was, f"another text of {now}"))
    return tuple(found)


def made_differently(
    event: SystemEvent, made: Made, change: Change
) -> tuple[Difference, ...]:
    """How the change differs that the present rules make, in the order of `Topic`."""
    return tuple(_compared(event, made, change))


def _compared(event: SystemEvent, made: Made, change: Change) -> Iterator[Difference]:
    moves = tuple((move.before, move.after) for move in change.moves)
    yield from _unlike(Topic.STATE, _way(made.moves), _way(moves))
    yield from _unlike(
        Topic.ANOMALY, made.anomaly or _NOTHING, change.anomaly or _NOTHING
    )
    was = None if made.said is None else made.said.analysis
    now = None if change.heard is None else change.heard.analysis
    yield from _unlike(Topic.ANALYSIS, _tone(was), _tone(now))
    yield from _asking(made.asked, change)
    stops = frozenset(
        (stop.key.kind, str(stop.reason))
        for stop in change.suppressions
        if stop.key not in made.known_stops
    )
    yield from _unlike(Topic.SUPPRESSION, _stops(made.suppressed), _stops(stops))
    planned = bool(change.plans)
    yield from _unlike(
        Topic.ANSWER, _answer(planned=made.answered), _answer(planned=planned)
    )
    if event.type in _BOUNCES:
        counted = any(fault is MailFault.BOUNCED for _, fault in change.faults)
        yield from _unlike(
            Topic.BOUNCE, _count(counted=made.bounced), _count(counted=counted)
        )


def _unlike(topic: Topic, was: str, now: str) -> Iterator[Difference]:
    if was != now:
        yield Difference(topic, was, now)


def _way(moves: tuple[tuple[State, State], ...]) -> str:
    steps = [str(moves[0][0]), *(str(after) for _, after in moves)] if moves else []
    return " to ".join(steps) or "no move"


def _tone(said: Analysis | None) -> str:
    if said is None:
        return "none"
    intents = "+".join([str(said.intent), *map(str, said.also)])
    return f"{intents} {said.sentiment:+d}"


def _asking(was: Asked | None, change: Change) -> Iterator[Difference]:
    now = None
    if change.review is not None:
        item = change.review.item
        now = Asked(str(item.reason), str(item.priority))
        if was is not None and not was.reason:
            return  # both ask; which message gave the reason is not known
        if was is not None and not was.priority:
            now = evolve(now, priority="")
    yield from _unlike(Topic.REVIEW, _question(was), _question(now))


def _question(asked: Asked | None) -> str:
    if asked is None:
        return "nobody asked"
    return f"{asked.reason} {asked.priority}".strip() or "a person asked"


def _stops(of: frozenset[tuple[str, str]]) -> str:
    return ", ".join(f"{kind} ({why})" for kind, why in sorted(of)) or _NOTHING


def _answer(*, planned: bool) -> str:
    return "planned by itself" if planned else _NOTHING


def _count(*, counted: bool) -> str:
    return "counted" if counted else "not counted"
