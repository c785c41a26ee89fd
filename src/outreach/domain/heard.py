"""What the end of a call says of the provider account that was called."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Heard"]


class Heard(StrEnum):
    """One word; `outreach.domain.health` says which, and what follows."""

    SERVED = "SERVED"
    REFUSED = "REFUSED"
    """Provably not taken, for now."""
    LOST = "LOST"
    """Nobody knows."""
    SHUT = "SHUT"
    """It takes nothing: not our key, or it asked to be left alone for long."""
    OF_SENDER = "OF_SENDER"
    """Provably not taken, because of this one of its senders."""
    NOTHING = "NOTHING"
