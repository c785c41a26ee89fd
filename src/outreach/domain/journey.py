"""The lead's journey: which moves there are, what facts and commands do.

Facts (sends, webhooks, timers) are never refused: one that makes no sense is kept
as an anomaly and nothing moves. Commands (people, API) can be refused. Facts that
come in another order, or twice, leave the same journey.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from attrs import evolve, field, frozen, validators

from outreach.domain.channel import COLD_STATES, Channel, State
from outreach.domain.errors import IllegalTransition
from outreach.domain.ids import LeadId, SenderId

__all__ = [
    "HARD_BOUNCE",
    "TABLE",
    "Command",
    "DeadCause",
    "Fact",
    "Journey",
    "Move",
    "Moved",
    "commanded",
    "happened",
]


class DeadCause(StrEnum):
    """Why a journey ended; the first two are soft: a late reply revives the lead."""

    NO_ANSWER = "NO_ANSWER"
    UNREACHABLE = "UNREACHABLE"
    LOST = "LOST"
    OPTED_OUT = "OPTED_OUT"
    ERASED = "ERASED"


HARD_BOUNCE: Final = "hard bounce"
"""Why a lead became UNREACHABLE that a person may find reachable after all."""
_SOFT: Final = frozenset({DeadCause.NO_ANSWER, DeadCause.UNREACHABLE})

_FROM_CONTACTED: Final = frozenset(
    {State.WARM_REPLY, State.CONVERTED, State.DEAD, State.PAUSED}
)
TABLE: Final = {
    State.COLD: (_FROM_CONTACTED - {State.CONVERTED})
    | {State.CONTACTED_WA, State.CONTACTED_EMAIL},
    State.CONTACTED_WA: _FROM_CONTACTED | {State.CONTACTED_EMAIL},
    State.CONTACTED_EMAIL: _FROM_CONTACTED | {State.CONTACTED_WA},
    State.WARM_REPLY: frozenset(
        {State.NEGOTIATION, State.CONVERTED, State.DEAD, State.PAUSED},
    ),
    State.NEGOTIATION: frozenset(
        {State.WARM_REPLY, State.CONVERTED, State.DEAD, State.PAUSED},
    ),
    State.PAUSED: frozenset(set(State) - {State.PAUSED, State.CONVERTED}),
    State.DEAD: frozenset({State.COLD, State.WARM_REPLY}),
    State.CONVERTED: frozenset[State](),
}
"""Moves there are at all. PAUSED returns only to the state before, WARM_REPLY or
DEAD; DEAD revives only as `happened` and `commanded` say."""


@frozen
class Journey:
    """Where one lead stands.

    Attributes:
        state_before: what PAUSED returns to; else the state before this one.
        opted_out: a condition over any state; ends only by a new consent.
        human_controlled: a person has taken over; nothing automatic is sent.
        phone, mailbox, warm_mailbox: the sender it keeps, of each channel.
        first_contact_at, last_contact_at, last_channel: of our own sends.
        version: of the stored row; 0 before it is stored.
    """

    lead: LeadId
    state: State = State.COLD
    state_before: State | None = None
    changed_at: datetime | None = None
    reason: str = ""
    dead_cause: DeadCause | None = None
    opted_out: bool = False
    opted_out_at: datetime | None = None
    closed_channels: frozenset[Channel] = frozenset()
    human_controlled: bool = False
    phone: SenderId | None = None
    mailbox: SenderId | None = None
    warm_mailbox: SenderId | None = None
    preferred_channel: Channel | None = None
    last_channel: Channel | None = None
    first_contact_at: datetime | None = None
    last_contact_at: datetime | None = None
    last_reply_at: datetime | None = None
    converted_at: datetime | None = None
    reply_count: int = 0
    sentiment: int | None = field(
        default=None,
        validator=validators.optional([validators.ge(-100), validators.le(100)]),
    )
    version: int = 0

    def sender(self, channel: Channel) -> SenderId | None:
        """Who writes to the lead on a channel; None: nobody has yet."""
        kept: SenderId | None = getattr(self, _SENDER.get(channel, ""), None)
        return kept

    def kept(self, channel: Channel, sender: SenderId) -> Journey:
        """The same with a sender of that channel, unless it has one."""
        name = _SENDER.get(channel)
        if name is None or getattr(self, name) is not None:
            return self
        found: Any = {name: sender}
        return evolve(self, **found)


_SENDER: Final = {
    Channel.WHATSAPP: "phone",
    Channel.EMAIL_COLD: "mailbox",
    Channel.EMAIL_WARM: "warm_mailbox",
}


class Fact(StrEnum):
    """What happened to a lead; never refused."""

    SENT_WHATSAPP = "SENT_WHATSAPP"
    SENT_EMAIL = "SENT_EMAIL"
    REPLIED = "REPLIED"
    OPTED_OUT = "OPTED_OUT"
    SILENT = "SILENT"
    """The last step was sent long enough ago and nobody answered."""
    UNREACHABLE = "UNREACHABLE"
    """No channel is left."""
    PERSON_WROTE = "PERSON_WROTE"
    """A person wrote from the phone or mailbox itself."""


class Command(StrEnum):
    """What a person wants; can be refused."""

    NEGOTIATE = "NEGOTIATE"
    WARM = "WARM"
    CONVERT = "CONVERT"
    LOSE = "LOSE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    REOPEN = "REOPEN"
    TAKE_OVER = "TAKE_OVER"
    END_TAKEOVER = "END_TAKEOVER"
    ERASE = "ERASE"
    NEW_CONSENT = "NEW_CONSENT"


@frozen
class Move:
    """One line of the transition log."""

    lead: LeadId
    before: State
    after: State
    at: datetime
    by: str
    why: str


@frozen
class Moved:
    """What a fact or command left.

    Attributes:
        anomaly: why a fact made no sense; empty if it did.
    """

    journey: Journey
    move: Move | None = None
    anomaly: str = ""


def _go(
    journey: Journey,
    to: State,
    at: datetime,
    *,
    by: str,
    why: str,
    cause: DeadCause | None = None,
) -> Moved:
    if journey.state is to and journey.dead_cause is cause:
        return Moved(journey)
    moved = evolve(
        journey,
        state=to,
        state_before=journey.state,
        changed_at=at,
        reason=why,
        dead_cause=cause,
    )
    return Moved(moved, Move(journey.lead, journey.state, to, at, by, why))


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


def happened(
    journey: Journey, fact: Fact, at: datetime, *, by: str, why: str = ""
) -> Moved:
    """What *fact*, which happened at *at*, makes of the journey."""
    why = why or str(fact)
    match fact:
        case Fact.SENT_WHATSAPP:
            return _sent(journey, Channel.WHATSAPP, State.CONTACTED_WA, at, by, why)
        case Fact.SENT_EMAIL:
            to = State.CONTACTED_EMAIL
            return _sent(journey, Channel.EMAIL_COLD, to, at, by, why)
        case Fact.REPLIED:
            return _replied(journey, at, by, why)
        case Fact.OPTED_OUT:
            return _opted_out(journey, at, by, why)
        case Fact.SILENT:
            return _silent(journey, at, by, why)
        case Fact.UNREACHABLE:
            return _unreachable(journey, at, by, why)
        case Fact.PERSON_WROTE:
            return Moved(evolve(journey, human_controlled=True))


def _sent(
    journey: Journey, channel: Channel, to: State, at: datetime, by: str, why: str
) -> Moved:
    # Of two sends at one instant the same one counts as the newer in any order.
    before = (journey.last_contact_at or at, journey.last_channel or channel)
    newest = (at, channel) >= before
    noted = evolve(
        journey,
        first_contact_at=_earlier(journey.first_contact_at, at),
        last_contact_at=_later(journey.last_contact_at, at),
        last_channel=channel if newest else journey.last_channel,
    )
    if journey.state in COLD_STATES:
        if newest or journey.state is State.COLD:
            return _go(noted, to, at, by=by, why=why)
        return Moved(noted)
    moves_before = journey.state_before is State.COLD or (
        newest and journey.state_before in COLD_STATES
    )
    if moves_before and journey.state in {State.PAUSED, State.WARM_REPLY}:
        # Sent before the pause or the reply, whichever we heard of first.
        return Moved(evolve(noted, state_before=to))
    return Moved(noted)


def _replied(journey: Journey, at: datetime, by: str, why: str) -> Moved:
    heard = evolve(
        journey,
        reply_count=journey.reply_count + 1,
        last_reply_at=_later(journey.last_reply_at, at),
    )
    if journey.opted_out:
        return Moved(heard)
    soft = journey.state is State.DEAD and journey.dead_cause in _SOFT
    if journey.state in COLD_STATES or journey.state is State.PAUSED or soft:
        return _go(heard, State.WARM_REPLY, at, by=by, why=why)
    return Moved(heard)


def _opted_out(journey: Journey, at: datetime, by: str, why: str) -> Moved:
    out = evolve(
        journey,
        opted_out=True,
        opted_out_at=_earlier(journey.opted_out_at, at),
    )
    if journey.state is State.CONVERTED or journey.dead_cause is DeadCause.ERASED:
        return Moved(out)
    cause = DeadCause.OPTED_OUT
    return _go(out, State.DEAD, at, by=by, why=why, cause=cause)


def _silent(journey: Journey, at: datetime, by: str, why: str) -> Moved:
    if journey.state in COLD_STATES - {State.COLD}:
        cause = DeadCause.NO_ANSWER
        return _go(journey, State.DEAD, at, by=by, why=why, cause=cause)
    if journey.state is State.COLD:
        return Moved(journey, anomaly="silence after a message that was never sent")
    return Moved(journey)


def _unreachable(journey: Journey, at: datetime, by: str, why: str) -> Moved:
    cause = DeadCause.UNREACHABLE
    if journey.state in COLD_STATES:
        return _go(journey, State.DEAD, at, by=by, why=why, cause=cause)
    if journey.dead_cause is DeadCause.NO_ANSWER:
        # Known better now; without a move, for nothing moved.
        return Moved(evolve(journey, dead_cause=cause))
    return Moved(journey)


def _refuse(journey: Journey, command: Command, way_out: str) -> IllegalTransition:
    cause = f" ({journey.dead_cause})" if journey.dead_cause else ""
    return IllegalTransition(
        f"{command} is not possible: lead {journey.lead} is "
        f"{journey.state}{cause}; {way_out}",
    )


_WANTS: Final = {
    Command.NEGOTIATE: State.NEGOTIATION,
    Command.WARM: State.WARM_REPLY,
    Command.CONVERT: State.CONVERTED,
    Command.PAUSE: State.PAUSED,
}


def commanded(
    journey: Journey, command: Command, at: datetime, *, by: str, why: str
) -> Moved:
    """What a person's command makes of the journey.

    Raises:
        IllegalTransition: the journey does not allow it; says what does.
    """
    match command:
        case Command.TAKE_OVER:
            return Moved(evolve(journey, human_controlled=True))
        case Command.END_TAKEOVER:
            return Moved(evolve(journey, human_controlled=False))
        case Command.NEW_CONSENT:
            return _consented(journey, command, why)
        case Command.ERASE | Command.LOSE:
            return _ended(journey, command, at, by, why)
        case Command.RESUME:
            if journey.state is not State.PAUSED:
                raise _refuse(journey, command, "only a PAUSED lead can be resumed")
            back = journey.state_before or State.COLD
            return _go(journey, back, at, by=by, why=why)
        case Command.REOPEN:
            if journey.state is not State.DEAD:
                raise _refuse(journey, command, "only a DEAD lead can be reopened")
            if journey.opted_out or journey.dead_cause is DeadCause.ERASED:
                raise _refuse(journey, command, "record a new consent first")
            return _go(journey, State.COLD, at, by=by, why=why)
        case _:
            return _wanted(journey, command, at, by, why)


def _consented(journey: Journey, command: Command, why: str) -> Moved:
    if not why:
        raise _refuse(journey, command, "name the evidence (it is kept)")
    return Moved(evolve(journey, opted_out=False, opted_out_at=None))


def _ended(
    journey: Journey, command: Command, at: datetime, by: str, why: str
) -> Moved:
    erase = command is Command.ERASE
    if not erase and State.DEAD not in TABLE[journey.state]:
        raise _refuse(journey, command, "it stays as it is")
    cause = DeadCause.ERASED if erase else DeadCause.LOST
    return _go(journey, State.DEAD, at, by=by, why=why, cause=cause)


def _wanted(
    journey: Journey, command: Command, at: datetime, by: str, why: str
) -> Moved:
    to = _WANTS[command]
    from_dead = journey.state is State.DEAD
    from_pause = journey.state is State.PAUSED and to is not journey.state_before
    if to not in TABLE[journey.state] or from_dead or from_pause:
        raise _refuse(journey, command, _ways(journey))
    if to is State.CONVERTED and not why:
        raise _refuse(journey, command, "say why (a reason is kept)")
    moved = _go(journey, to, at, by=by, why=why)
    if to is State.CONVERTED:
        return evolve(moved, journey=evolve(moved.journey, converted_at=at))
    return moved


def _ways(journey: Journey) -> str:
    """What else a person can do."""
    if journey.state is State.DEAD:
        return "reopen it first"
    if journey.state is State.PAUSED:
        return "resume it first"
    ways = ", ".join(sorted(TABLE[journey.state])) or "nothing else"
    return f"it can become {ways}"
