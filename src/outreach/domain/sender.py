"""A sender, the states it can be in, and who moves it between them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from attrs import evolve, field, frozen, validators

from outreach.domain.budget import HARD_LIMIT, WarmUp
from outreach.domain.channel import Channel
from outreach.domain.ids import AccountId, SenderId, TenantId
from outreach.domain.limits import NO_LIMITS, Limits
from outreach.domain.pacing import Pacing

__all__ = [
    "ALERTS",
    "GONE",
    "MAIL_ALERT",
    "REACHOUT_LOCK",
    "RECONNECT_WITHIN",
    "SendClass",
    "Sender",
    "SenderMove",
    "SenderSignal",
    "SenderState",
    "may_send",
    "signalled",
    "timed_out",
]

RECONNECT_WITHIN: Final = timedelta(minutes=10)
"""RECONNECTING becomes OFFLINE after this long (SPEC: phone states)."""
REACHOUT_LOCK: Final = timedelta(hours=24)
"""How long strangers stay off limits if the refusal names no time."""


class SendClass(IntEnum):
    """What a message is, in the order a lane serves them."""

    APPROVED = 0
    """A reply that a person approved or wrote."""
    AI = 1
    FOLLOWUP = 2
    NEW = 3


class SenderState(StrEnum):
    """What a sender is able to do."""

    WARMING = "WARMING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    OFFLINE = "OFFLINE"
    RECONNECTING = "RECONNECTING"
    REACHOUT_LOCKED = "REACHOUT_LOCKED"
    QUARANTINE = "QUARANTINE"
    BANNED = "BANNED"
    RETIRED = "RETIRED"


GONE: Final = frozenset({SenderState.BANNED, SenderState.RETIRED})
"""Only a person brings a sender back from these."""

_OPEN: Final = frozenset(SendClass)
_NO_STRANGERS: Final = _OPEN - {SendClass.NEW}
_SHUT: Final[frozenset[SendClass]] = frozenset()
_CLASSES: Final = {
    SenderState.WARMING: _OPEN,
    SenderState.ACTIVE: _OPEN,
    SenderState.REACHOUT_LOCKED: _NO_STRANGERS,
    SenderState.QUARANTINE: _NO_STRANGERS,
    SenderState.PAUSED: _SHUT,
    SenderState.OFFLINE: _SHUT,
    SenderState.RECONNECTING: _SHUT,
    SenderState.BANNED: _SHUT,
    SenderState.RETIRED: _SHUT,
}


def may_send(state: SenderState, send_class: SendClass) -> bool:
    """Whether a sender in *state* may send a message of this class."""
    return send_class in _CLASSES[state]


@frozen
class Sender:
    """A WhatsApp phone, a mailbox, or an account whose provider picks the mailbox.

    Attributes:
        number: E.164 of the phone; the mail address, in lower case; else a name that
            stays, such as ``instantly/default``.
        time_zone: IANA name; its calendar day is the quota day.
        channel: the one it opens conversations on.
        answers: it can answer a mail in its conversation, whoever has replied.
        daily_limit: new contacts a day of a phone, at most `HARD_LIMIT`.
        limits: of its further budgets.
        state_before: what the present trouble covers, and gives way to when it is
            over: a phone that was paused or locked before it was disconnected is
            so again afterwards. The state itself, if there is no trouble.
        until: when a lock, pause or reconnection ends by itself; of an OFFLINE
            sender, when the lock ends that lies beneath.
    """

    id: SenderId
    tenant: TenantId
    account: AccountId
    provider: str
    number: str
    time_zone: str
    channel: Channel = Channel.WHATSAPP
    answers: bool = False
    label: str = ""
    account_ref: str = ""
    daily_limit: int = field(
        default=HARD_LIMIT,
        validator=[validators.ge(0), validators.le(HARD_LIMIT)],
    )
    priority: int = field(default=1, validator=validators.ge(1))
    enabled: bool = True
    state: SenderState = SenderState.ACTIVE
    state_before: SenderState = SenderState.ACTIVE
    state_reason: str = ""
    until: datetime | None = None
    warm_up: WarmUp | None = None
    pacing: Pacing = field(default=Pacing())
    limits: Limits = NO_LIMITS

    @pacing.validator
    def _of_its_channel(self, _: object, pacing: Pacing) -> None:
        pacing.demand(self.channel)

    def carries(self, channel: Channel, *, thread: str) -> bool:
        """Whether a message of this channel may leave here.

        Args:
            thread: the provider's id of the conversation with the lead, if any.
        """
        answer = channel is Channel.EMAIL_WARM and self.answers and bool(thread)
        return channel is self.channel or answer

    def may(self, send_class: SendClass) -> bool:
        """Whether its state and its switch allow a message of this class."""
        return self.enabled and may_send(self.state, send_class)


class SenderSignal(StrEnum):
    """What can happen to a sender."""

    AUTH_FAILED = "AUTH_FAILED"
    DISCONNECTED = "DISCONNECTED"
    RECONNECTING = "RECONNECTING"
    CONNECTED = "CONNECTED"
    """Said by the provider and checked by asking it."""
    LOCKED = "LOCKED"
    SILENT = "SILENT"
    BANNED = "BANNED"
    MISMATCH = "MISMATCH"
    """A message left from another sender than the planned one."""
    DOUBTFUL = "DOUBTFUL"
    """Too many calls without an outcome."""
    BREACH = "BREACH"
    """An audit found an invariant broken; a person must look."""
    DOUBTFUL_AGAIN = "DOUBTFUL_AGAIN"
    """And too often in one day: a person must look."""
    HEARD = "HEARD"
    """Something came back from it, so it is not silent."""
    RAMPED = "RAMPED"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    RETIRE = "RETIRE"


@frozen
class SenderMove:
    """A change of state, with what it needs from people.

    Attributes:
        alert: kind of alert to raise, empty for none.
    """

    sender: Sender
    moved: bool
    alert: str = ""


_THERE: Final = frozenset(SenderState) - GONE
_AT_WORK: Final = frozenset({SenderState.WARMING, SenderState.ACTIVE})
_RESTRICTED: Final = frozenset({SenderState.REACHOUT_LOCKED, SenderState.QUARANTINE})
_AWAY: Final = frozenset({SenderState.OFFLINE, SenderState.RECONNECTING})
_DEPTH: Final = {
    SenderState.WARMING: 0,
    SenderState.ACTIVE: 0,
    SenderState.QUARANTINE: 1,
    SenderState.REACHOUT_LOCKED: 2,
    SenderState.PAUSED: 3,
    SenderState.OFFLINE: 4,
    SenderState.RECONNECTING: 4,
    SenderState.BANNED: 5,
    SenderState.RETIRED: 5,
}
"""Of two troubles at once the deeper is the state, the other lies beneath it."""

_HEARD_IN: Final = {
    SenderSignal.RESUME: frozenset(SenderState),
    SenderSignal.RETIRE: frozenset(SenderState),
    SenderSignal.BANNED: frozenset(SenderState) - {SenderState.RETIRED},
    SenderSignal.PAUSE: _THERE,
    SenderSignal.MISMATCH: _THERE,
    SenderSignal.BREACH: _THERE,
    SenderSignal.AUTH_FAILED: _THERE - {SenderState.OFFLINE},
    SenderSignal.DISCONNECTED: _THERE - {SenderState.OFFLINE},
    SenderSignal.LOCKED: _THERE,
    SenderSignal.SILENT: _THERE - {SenderState.QUARANTINE},
    SenderSignal.CONNECTED: _AWAY,
    SenderSignal.RECONNECTING: _AT_WORK | _RESTRICTED,
    SenderSignal.DOUBTFUL: _AT_WORK | _RESTRICTED,
    SenderSignal.DOUBTFUL_AGAIN: _AT_WORK | _RESTRICTED,
    SenderSignal.HEARD: _THERE,
    SenderSignal.RAMPED: frozenset({SenderState.WARMING}),
}
"""The states in which a signal means something; elsewhere it changes nothing."""
_MOVES_TO: Final = {
    SenderSignal.RETIRE: SenderState.RETIRED,
    SenderSignal.BANNED: SenderState.BANNED,
    SenderSignal.PAUSE: SenderState.PAUSED,
    SenderSignal.AUTH_FAILED: SenderState.OFFLINE,
    SenderSignal.DISCONNECTED: SenderState.OFFLINE,
    SenderSignal.MISMATCH: SenderState.PAUSED,
    SenderSignal.BREACH: SenderState.PAUSED,
    SenderSignal.RECONNECTING: SenderState.RECONNECTING,
    SenderSignal.LOCKED: SenderState.REACHOUT_LOCKED,
    SenderSignal.SILENT: SenderState.QUARANTINE,
    SenderSignal.DOUBTFUL: SenderState.PAUSED,
    SenderSignal.DOUBTFUL_AGAIN: SenderState.PAUSED,
    SenderSignal.RAMPED: SenderState.ACTIVE,
}
"""Where a signal leads; those that are not here lead back."""
_LASTS: Final = {
    SenderSignal.RECONNECTING: RECONNECT_WITHIN,
    SenderSignal.LOCKED: REACHOUT_LOCK,
    SenderSignal.DOUBTFUL: timedelta(minutes=15),
}
"""How long, unless a time is given."""
ALERTS: Final = {
    SenderSignal.BANNED: "phone.banned",
    SenderSignal.AUTH_FAILED: "phone.offline",
    SenderSignal.DISCONNECTED: "phone.offline",
    SenderSignal.MISMATCH: "sender.mismatch",
    SenderSignal.BREACH: "invariant.breach",
    SenderSignal.LOCKED: "phone.reachout_locked",
    SenderSignal.SILENT: "phone.silent",
    SenderSignal.DOUBTFUL: "unknown.high",
    SenderSignal.DOUBTFUL_AGAIN: "unknown.high",
}
"""Kinds of alert; the incident is over when the sender is at work again."""
MAIL_ALERT: Final = "mailbox.paused"  # what those of phones are for a sender of mail


def signalled(
    sender: Sender,
    signal: SenderSignal,
    now: datetime,
    *,
    why: str,
    until: datetime | None = None,
) -> SenderMove:
    """Move *sender* as SPEC section 3 says.

    Facts that make no sense in the present state change nothing. A person's
    RESUME brings every state back, BANNED and RETIRED included.
    """
    if sender.state not in _HEARD_IN[signal]:
        return SenderMove(sender, moved=False)
    if signal is SenderSignal.HEARD:
        return _no_longer_silent(sender, now, why)
    to = _MOVES_TO.get(signal)
    if to is None:
        return _back(sender, _returns_to(sender, signal), now, why)
    lasts = _LASTS.get(signal)
    ends = None if lasts is None else until or now + lasts
    alert = _alert(sender, signal)
    if to is sender.state:
        return _goes_on(sender, ends, why, alert)
    if _DEPTH[to] < _DEPTH[sender.state]:
        return _beneath(sender, to, ends, alert)
    return _covered(sender, to, ends, why, alert)


def _alert(sender: Sender, signal: SenderSignal) -> str:
    kind = ALERTS.get(signal, "")
    of_mail = sender.channel is not Channel.WHATSAPP and kind.startswith("phone.")
    return MAIL_ALERT if of_mail else kind


def timed_out(sender: Sender, now: datetime) -> SenderMove:
    """Move a sender whose lock, pause or reconnection has run out."""
    if sender.until is None or now < sender.until:
        return SenderMove(sender, moved=False)
    if sender.state is SenderState.RECONNECTING:
        why = "not connected again within 10 minutes"
        alert = _alert(sender, SenderSignal.DISCONNECTED)
        return _covered(sender, SenderState.OFFLINE, None, why, alert)
    if sender.state is SenderState.OFFLINE:
        free = evolve(sender, state_before=_home(sender), until=None)
        return SenderMove(free, moved=True)
    return _back(sender, sender.state_before, now, f"{sender.state} ran out")


def _home(sender: Sender) -> SenderState:
    """The working state beneath all troubles."""
    for state in (sender.state, sender.state_before):
        if state in _AT_WORK:
            return state
    return SenderState.ACTIVE if sender.warm_up is None else SenderState.WARMING


def _returns_to(sender: Sender, signal: SenderSignal) -> SenderState:
    """What CONNECTED gives way to, and RESUME, which no pause outlives."""
    beneath = sender.state_before
    if signal is SenderSignal.CONNECTED:
        return beneath
    passing = sender.state in _AWAY or sender.state is SenderState.PAUSED
    return beneath if passing and beneath in _RESTRICTED else _home(sender)


def _back(sender: Sender, to: SenderState, now: datetime, why: str) -> SenderMove:
    """Out of a trouble, to what lies beneath it."""
    if to is sender.state:
        return SenderMove(sender, moved=False)
    until = None
    if to is SenderState.REACHOUT_LOCKED:
        known = sender.until if sender.state is SenderState.OFFLINE else None
        # Nobody remembers when the lock would have ended: better too long.
        until = known or now + REACHOUT_LOCK
    back = evolve(
        sender,
        state=to,
        state_before=to if to in _AT_WORK else _home(sender),
        state_reason=why,
        until=until,
    )
    return SenderMove(back, moved=True)


def _no_longer_silent(sender: Sender, now: datetime, why: str) -> SenderMove:
    """Out of quarantine, or what lies beneath the present trouble is no more one."""
    if sender.state is SenderState.QUARANTINE:
        return _back(sender, _home(sender), now, why)
    if sender.state_before is SenderState.QUARANTINE:
        free = evolve(sender, state_before=_home(sender))
        return SenderMove(free, moved=True)
    return SenderMove(sender, moved=False)


def _goes_on(sender: Sender, ends: datetime | None, why: str, alert: str) -> SenderMove:
    """The trouble it is in already: it may last longer, or have one more cause."""
    if ends is not None and sender.until is not None:
        ends = max(ends, sender.until)
    is_news = bool(alert) and sender.state is SenderState.PAUSED
    if ends == sender.until and not (is_news and why != sender.state_reason):
        return SenderMove(sender, moved=False)
    longer = evolve(sender, until=ends, state_reason=why)
    return SenderMove(longer, moved=True, alert=alert if is_news else "")


def _beneath(
    sender: Sender, to: SenderState, ends: datetime | None, alert: str
) -> SenderMove:
    """A lesser trouble than the present one shows when that is over."""
    if _DEPTH[to] <= _DEPTH[sender.state_before]:
        return SenderMove(sender, moved=False)
    until = ends if sender.state is SenderState.OFFLINE else sender.until
    return SenderMove(
        evolve(sender, state_before=to, until=until), moved=True, alert=alert
    )


def _covered(
    sender: Sender, to: SenderState, ends: datetime | None, why: str, alert: str
) -> SenderMove:
    """Into a trouble as deep as the present state, or deeper."""
    if to in _AT_WORK:
        before = to
    elif to in _THERE and _DEPTH[to] > _DEPTH[sender.state]:
        before = sender.state
    elif to in _THERE:
        before = sender.state_before
    else:
        before = _home(sender)
    locked = to is SenderState.OFFLINE and before is SenderState.REACHOUT_LOCKED
    moved = evolve(
        sender,
        state=to,
        state_before=before,
        state_reason=why,
        until=sender.until if locked and sender.state is before else ends,
    )
    return SenderMove(moved, moved=True, alert=alert)
