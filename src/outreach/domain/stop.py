"""Telling a provider not to send any more, until it says that it will not.

A send happens at most once; a stop happens at least once. It is a row written in the
same commit as its cause, and it is repeated until the provider confirms.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.channel import Channel
from outreach.domain.ids import AccountId, LeadId, StopId, TenantId

__all__ = ["ALERT_AFTER", "HOLDING", "Stop", "StopKind", "next_try", "overdue"]

ALERT_AFTER: Final = timedelta(minutes=15)
"""Engine time after which a stop that is not confirmed is told to people."""

HOLDING: Final = frozenset({Channel.EMAIL_COLD, Channel.EMAIL_WARM})
"""Channels on which a provider can hold what it accepted. A WhatsApp message that was
accepted is gone: it makes no stop."""

_FIRST: Final = timedelta(seconds=10)
_LONGEST: Final = timedelta(minutes=5)
_DOUBLINGS: Final = 5
"""Enough to come from the first wait to the longest."""


class StopKind(StrEnum):
    """What the provider is told."""

    WITHDRAW = "WITHDRAW"
    """One message: take the lead out of its campaign, or cancel the scheduled mail."""
    BLOCK = "BLOCK"
    """One address: put it on the account's block list."""
    PAUSE = "PAUSE"
    """One campaign: send nothing more of it."""


@frozen
class Stop:
    """What a provider must be told, and how often it was.

    Attributes:
        about: id of the attempt (WITHDRAW, BLOCK) or of our campaign (PAUSE).
        cause: OPTED_OUT, REPLIED, HUMAN_CONTROL, SUPPRESSED, BREAKER_OPEN ...
        at: engine time of the cause.
        ref: the provider's id of the message, as far as it is known.
        to: the recipient's address; empty for PAUSE.
        in_doubt: the call may still be under way: that the provider does not know the
            message proves nothing yet.
        tries: how often the provider was told.
        alerted: people were told that it is not confirmed.
        now: engine time of the read.
    """

    id: StopId
    tenant: TenantId
    account: AccountId
    kind: StopKind
    about: str
    cause: str
    at: datetime
    now: datetime
    lead: LeadId | None = None
    ref: str = ""
    to: str = field(default="", repr=False)
    in_doubt: bool = False
    tries: int = 0
    alerted: bool = False
    detail: str = ""


def overdue(stop: Stop) -> bool:
    """Whether people must be told, if they were not."""
    return stop.now - stop.at >= ALERT_AFTER


def next_try(stop: Stop, asked: timedelta | None = None) -> datetime:
    """When a stop that was not confirmed is tried again (engine time).

    10 s, doubled each time up to 5 min; at the time at which people are told.

    Args:
        asked: the wait that the provider asked for.
    """
    doublings: int = 2 ** min(stop.tries, _DOUBLINGS)
    at = stop.now + max(min(_LONGEST, _FIRST * doublings), asked or timedelta())
    deadline = stop.at + ALERT_AFTER
    return min(at, deadline) if stop.now < deadline else at
