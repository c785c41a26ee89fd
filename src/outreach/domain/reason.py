"""Why a message is not sent now: the names, and one rule that is in the way."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from outreach.domain.case import Flip

__all__ = ["Block", "Reason"]


class Reason(StrEnum):
    """Why a message is not sent now."""

    OK = "OK"
    STOPPED = "STOPPED"
    SUPPRESSED = "SUPPRESSED"
    HUMAN_CONTROL = "HUMAN_CONTROL"
    REVIEW_PENDING = "REVIEW_PENDING"
    CHANNEL_GUARD = "CHANNEL_GUARD"
    NO_CHANNEL = "NO_CHANNEL"
    NO_TEMPLATE = "NO_TEMPLATE"
    INTRO_PENDING = "INTRO_PENDING"
    NO_CONSENT = "NO_CONSENT"
    UNALLOCATED = "UNALLOCATED"
    SENDER_STATE = "SENDER_STATE"
    NOT_DUE = "NOT_DUE"
    PROVIDER_BACKOFF = "PROVIDER_BACKOFF"
    LANE_BUSY = "LANE_BUSY"
    PACING = "PACING"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    BREAKER_OPEN = "BREAKER_OPEN"
    DOMAIN_NOT_READY = "DOMAIN_NOT_READY"
    NEED_REBUILD = "NEED_REBUILD"


@frozen
class Block:
    """One rule that is in the way.

    Attributes:
        inputs: the facts it looked at, as text.
        until: from when on it would not block; None: no time lifts it.
        flip: the smallest change of facts that would.
        final: nothing will lift it for this message.
    """

    reason: Reason
    inputs: tuple[tuple[str, str], ...]
    until: datetime | None
    flip: Flip
    final: bool = False
