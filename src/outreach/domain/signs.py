"""What a sender's calls say of it: too many without an outcome, silence, refusals.

A record per sender, kept by the ledger in the commit that ends a call. It only says
that somebody must look; what the sender then becomes is `sender.signalled`'s matter.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.ids import SenderId
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sender import SenderSignal, SenderState

__all__ = [
    "ALIVE",
    "CALLS",
    "DOUBT_PAUSE",
    "LEAST_UNANSWERED",
    "PAUSES_BY_ITSELF",
    "SILENCE",
    "UNHEALTHY",
    "Called",
    "Said",
    "Signs",
    "after_call",
    "after_move",
    "answered",
    "is_silent",
    "too_doubtful",
]

CALLS: Final = 50
"""So many of the last calls are looked at."""
LEAST_UNKNOWN: Final = 5
ONE_IN: Final = 10
"""More than one in so many must have been UNKNOWN."""
DOUBT_PAUSE: Final = timedelta(minutes=15)
PAUSES_BY_ITSELF: Final = 2
"""Pauses in one day of the phone that end by themselves; the next needs a person."""
SILENCE: Final = timedelta(minutes=30)
LEAST_UNANSWERED: Final = 3
"""Sends without an answer before silence means something: of one, the single event
that told of it may have been lost."""
UNHEALTHY: Final = timedelta(hours=1)
"""A lane that is refused for so long is an incident."""

ALIVE: Final = frozenset(
    {
        MessageStatus.SENT,
        MessageStatus.DELIVERED,
        MessageStatus.READ,
        MessageStatus.OPENED,
        MessageStatus.CLICKED,
        MessageStatus.REPLIED,
    }
)
"""What only a phone that is really there can bring about. ACCEPTED is the word of the
provider's computer, and a phone that is gone fails too."""

_UNKNOWN: Final = "U"
_KNOWN: Final = "."
_AT_WORK: Final = frozenset({SenderState.WARMING, SenderState.ACTIVE})
_SENDS: Final = _AT_WORK | {SenderState.REACHOUT_LOCKED, SenderState.QUARANTINE}


@frozen
class Said:
    """What the end of one call said of its sender, and nobody has carried out yet.

    Attributes:
        until: engine time the provider named, if it did.
    """

    sender: SenderId
    signal: SenderSignal
    why: str
    until: datetime | None = None


@frozen
class Signs:
    """The record of one sender.

    Attributes:
        calls: its last calls, oldest first, at most `CALLS`: ``U`` for one without an
            outcome, ``.`` for any other. Empty again after each pause.
        token: of the claim whose call was counted last.
        day: the phone's own day that *pauses* counts.
        doubtful_at: when the last pause was called for; None: it is over.
        unanswered: accepted sends since something last came back.
        unanswered_since: engine time of the first of them.
        refused_since: engine time from which every call was refused for now.
    """

    calls: str = field(default="")
    token: int = 0
    day: date | None = None
    pauses: int = 0
    doubtful_at: datetime | None = None
    unanswered: int = 0
    unanswered_since: datetime | None = None
    refused_since: datetime | None = None


@frozen
class Called:
    """A record after a call, with what it asks for.

    Attributes:
        doubt_at, silence_at, refusal_at: when somebody must look; None: no need.
    """

    signs: Signs
    doubt_at: datetime | None = None
    silence_at: datetime | None = None
    refusal_at: datetime | None = None


def too_doubtful(calls: str) -> bool:
    """At least 5 UNKNOWN, and more than 10 % of the calls there were, at most 50."""
    unknown = calls.count(_UNKNOWN)
    return unknown >= LEAST_UNKNOWN and ONE_IN * unknown > len(calls)


def after_call(
    signs: Signs,
    outcome: Outcome,
    *,
    state: SenderState,
    day: date,
    now: datetime,
    refused_until: datetime | None = None,
    token: int | None = None,
) -> Called:
    """The record after a call has ended, whoever tells of its end.

    An outcome learnt later changes nothing here: the call had none when it counted.

    Args:
        state: of the sender; one that sends nothing is not paused.
        day: the phone's own.
        refused_until: of a lane refused for now, when it may go on.
        token: of the claim that made the call: of many messages in one call each has
            an end, and they are one call. None: a call of its own.
    """
    again = token is not None and token == signs.token
    signs = evolve(signs, token=signs.token if token is None else token)
    called = _count(signs, outcome, state=state, day=day, now=now, again=again)
    called = _watch(called, outcome, now)
    return _refusals(called, outcome, now, refused_until)


def _count(
    signs: Signs,
    outcome: Outcome,
    *,
    state: SenderState,
    day: date,
    now: datetime,
    again: bool,
) -> Called:
    unknown = outcome is Outcome.UNKNOWN
    calls = (signs.calls + (_UNKNOWN if unknown else _KNOWN))[-CALLS:]
    if again:
        # Lost if any of its messages is; of a call that led to a pause nothing counts.
        lost = unknown and signs.calls
        calls = signs.calls[:-1] + _UNKNOWN if lost else signs.calls
    if not (unknown and state in _SENDS and too_doubtful(calls)):
        return Called(evolve(signs, calls=calls))
    # The same calls must not lead to a second pause, or the phone would never get out.
    pauses = (signs.pauses if signs.day == day else 0) + 1
    paused = evolve(signs, calls="", day=day, pauses=pauses, doubtful_at=now)
    return Called(paused, doubt_at=now)


def _watch(called: Called, outcome: Outcome, now: datetime) -> Called:
    if outcome is not Outcome.ACCEPTED:
        return called
    since = called.signs.unanswered_since or now
    unanswered = called.signs.unanswered + 1
    signs = evolve(called.signs, unanswered=unanswered, unanswered_since=since)
    # Of a phone that answers between its sends nobody ever has to look.
    looks = unanswered >= LEAST_UNANSWERED
    silence_at = max(now, since + SILENCE) if looks else None
    return evolve(called, signs=signs, silence_at=silence_at)


def _refusals(
    called: Called, outcome: Outcome, now: datetime, refused_until: datetime | None
) -> Called:
    since = called.signs.refused_since
    if outcome is Outcome.UNKNOWN:
        return called  # neither refused nor served
    if refused_until is None:
        told = since is not None and now >= since + UNHEALTHY
        signs = evolve(called.signs, refused_since=None)
        return evolve(called, signs=signs, refusal_at=now if told else None)
    since = since or now
    # A refusal before the night is none of an hour: the wait must reach that far.
    lasts = refused_until >= since + UNHEALTHY
    signs = evolve(called.signs, refused_since=since)
    return evolve(
        called,
        signs=signs,
        refusal_at=max(now, since + UNHEALTHY) if lasts else None,
    )


def answered(signs: Signs) -> Signs:
    """Something came back from the sender."""
    return evolve(signs, unanswered=0, unanswered_since=None)


def after_move(signs: Signs, before: SenderState, after: SenderState) -> Signs:
    """A sender that is at work again starts anew."""
    if before is SenderState.PAUSED and after is not before:
        signs = evolve(signs, doubtful_at=None)
    if after in _AT_WORK and before not in _AT_WORK:
        signs = answered(signs)
    return signs


def is_silent(signs: Signs, now: datetime) -> bool:
    """Sends went out, and for 30 minutes nothing came back."""
    since = signs.unanswered_since
    return (
        since is not None
        and signs.unanswered >= LEAST_UNANSWERED
        and now >= since + SILENCE
    )
