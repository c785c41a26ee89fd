"""A sender, the states it can be in, and who moves it between them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from attrs import evolve, field, frozen, validators

from outreach.domain.budget import HARD_LIMIT, WarmUp
from outreach.domain.channel import Channel
from outreach.domain.ids import AccountId, SenderId, TenantId
from outreach.domain.pacing import Pacing

__all__ = [
    "REACHOUT_LOCK",
    "RECONNECT_WITHIN",
    "NewSender",
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
    """A WhatsApp phone (or, later, a mailbox).

    Attributes:
        number: E.164 of the phone.
        time_zone: IANA name; its calendar day is the quota day.
        daily_limit: new contacts a day, at most `HARD_LIMIT`.
        state_before: what PAUSED, RECONNECTING, ... return to.
        until: when a lock, quarantine or reconnection ends by itself.
    """

    id: SenderId
    tenant: TenantId
    account: AccountId
    provider: str
    number: str
    time_zone: str
    channel: Channel = Channel.WHATSAPP
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
    pacing: Pacing = Pacing()

    def may(self, send_class: SendClass) -> bool:
        """Whether its state and its switch allow a message of this class."""
        return self.enabled and may_send(self.state, send_class)


@frozen
class NewSender:
    """A row of a senders file; the store makes or finds the sender.

    Attributes:
        phone: E.164.
        provider_account: the account's name at us, ``default`` if there is one.
    """

    phone: str
    provider: str
    time_zone: str
    channel: Channel = Channel.WHATSAPP
    label: str = ""
    provider_account: str = "default"
    account_ref: str = ""
    daily_limit: int = field(
        default=HARD_LIMIT,
        validator=[validators.ge(0), validators.le(HARD_LIMIT)],
    )
    priority: int = field(default=1, validator=validators.ge(1))
    warm_up_days: int = field(default=0, validator=validators.ge(0))


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


_WORKING: Final = frozenset(
    {
        SenderState.WARMING,
        SenderState.ACTIVE,
        SenderState.REACHOUT_LOCKED,
        SenderState.QUARANTINE,
    },
)
_ALL: Final = frozenset(SenderState)
_THERE: Final = _ALL - {SenderState.BANNED, SenderState.RETIRED}
_AWAY: Final = frozenset({SenderState.OFFLINE, SenderState.RECONNECTING})

_HEARD_IN: Final = {
    SenderSignal.RESUME: _ALL,
    SenderSignal.RETIRE: _ALL,
    SenderSignal.BANNED: _ALL - {SenderState.RETIRED},
    SenderSignal.PAUSE: _THERE,
    SenderSignal.AUTH_FAILED: _THERE,
    SenderSignal.DISCONNECTED: _THERE - {SenderState.OFFLINE},
    SenderSignal.MISMATCH: _THERE - {SenderState.PAUSED},
    SenderSignal.CONNECTED: _AWAY,
    SenderSignal.RECONNECTING: _WORKING,
    SenderSignal.LOCKED: _WORKING,
    SenderSignal.SILENT: _WORKING - {SenderState.QUARANTINE},
    SenderSignal.DOUBTFUL: _WORKING,
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
    SenderSignal.RECONNECTING: SenderState.RECONNECTING,
    SenderSignal.LOCKED: SenderState.REACHOUT_LOCKED,
    SenderSignal.SILENT: SenderState.QUARANTINE,
    SenderSignal.DOUBTFUL: SenderState.PAUSED,
    SenderSignal.RAMPED: SenderState.ACTIVE,
}
"""Where a signal leads; those that are not here lead back to work."""
_LASTS: Final = {
    SenderSignal.RECONNECTING: RECONNECT_WITHIN,
    SenderSignal.LOCKED: REACHOUT_LOCK,
    SenderSignal.DOUBTFUL: timedelta(minutes=15),
}
"""How long, unless a time is given."""
_ALERTS: Final = {
    SenderSignal.BANNED: "phone.banned",
    SenderSignal.AUTH_FAILED: "phone.offline",
    SenderSignal.DISCONNECTED: "phone.offline",
    SenderSignal.MISMATCH: "sender.mismatch",
    SenderSignal.LOCKED: "phone.reachout_locked",
    SenderSignal.SILENT: "phone.silent",
    SenderSignal.DOUBTFUL: "unknown.high",
}


def _home(sender: Sender) -> SenderState:
    """The working state that a passing trouble returns to."""
    if sender.state in {SenderState.WARMING, SenderState.ACTIVE}:
        return sender.state
    return sender.state_before


def _to(
    sender: Sender,
    state: SenderState,
    why: str,
    *,
    until: datetime | None = None,
    alert: str = "",
) -> SenderMove:
    if sender.state is state and sender.until == until:
        return SenderMove(sender, moved=False)
    moved = evolve(
        sender,
        state=state,
        state_before=_home(sender),
        state_reason=why,
        until=until,
    )
    told = alert if state is not sender.state else ""
    return SenderMove(moved, moved=True, alert=told)


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
    lasts = _LASTS.get(signal)
    ends = None if lasts is None else until or now + lasts
    to = _MOVES_TO.get(signal, _home(sender))
    return _to(sender, to, why, until=ends, alert=_ALERTS.get(signal, ""))


def timed_out(sender: Sender, now: datetime) -> SenderMove:
    """Move a sender whose lock, pause or reconnection has run out."""
    if sender.until is None or now < sender.until:
        return SenderMove(sender, moved=False)
    if sender.state is SenderState.RECONNECTING:
        return _to(
            sender,
            SenderState.OFFLINE,
            "not connected again within 10 minutes",
            alert="phone.offline",
        )
    return _to(sender, _home(sender), f"{sender.state} ran out")
