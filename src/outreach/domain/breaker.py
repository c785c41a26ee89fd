"""When a campaign's mail does so badly that nothing more may be added to it."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Final

from attrs import frozen

__all__ = [
    "BREAKER_DAYS",
    "Judgement",
    "Level",
    "MailCounts",
    "MailFault",
    "judged",
]

BREAKER_DAYS: Final = timedelta(days=7)
"""How far back a campaign is judged, today included."""

_SENT_AT_LEAST: Final = 50
_BOUNCES_WARN: Final = (2, 100)
_BOUNCES_PAUSE: Final = (3, 100)
_COMPLAINTS_AT_LEAST: Final = 2
_DELIVERED_AT_LEAST: Final = 1_000
_COMPLAINTS_WARN: Final = (1, 1_000)
_COMPLAINTS_PAUSE: Final = (3, 1_000)


class MailFault(StrEnum):
    """What counts against a campaign."""

    BOUNCED = "BOUNCED"
    """For good: the recipient is not there."""
    COMPLAINED = "COMPLAINED"


class Level(IntEnum):
    """How bad it is."""

    FINE = 0
    WARN = 1
    PAUSE = 2


@frozen
class MailCounts:
    """Mails of one campaign over its last days.

    Attributes:
        sent: accepted by a provider.
        bounced: came back for good.
        delivered: of which the recipient's server said so.
    """

    sent: int = 0
    bounced: int = 0
    complained: int = 0
    delivered: int = 0


@frozen
class Judgement:
    """What the counts mean.

    Attributes:
        says: the figures, in words; never an address.
    """

    bounces: Level
    complaints: Level
    says: str

    @property
    def opens(self) -> bool:
        """Whether nothing more may be added."""
        return Level.PAUSE in {self.bounces, self.complaints}


def judged(counts: MailCounts) -> Judgement:
    """SPEC section 4, in whole numbers: no rounding decides.

    Permanent bounces over mails sent: from 2 % a warning, above 3 % the end; not
    before 50 were sent. Complaints over mails delivered: from 0.1 % a warning, from
    0.3 % the end; not before 2 complaints and 1,000 delivered.
    """
    bounces = complaints = Level.FINE
    if counts.sent >= _SENT_AT_LEAST:
        part, whole = _BOUNCES_PAUSE
        if counts.bounced * whole > counts.sent * part:
            bounces = Level.PAUSE
        elif _reaches(counts.bounced, counts.sent, _BOUNCES_WARN):
            bounces = Level.WARN
    enough = counts.delivered >= _DELIVERED_AT_LEAST
    if enough and counts.complained >= _COMPLAINTS_AT_LEAST:
        if _reaches(counts.complained, counts.delivered, _COMPLAINTS_PAUSE):
            complaints = Level.PAUSE
        elif _reaches(counts.complained, counts.delivered, _COMPLAINTS_WARN):
            complaints = Level.WARN
    says = (
        f"in {BREAKER_DAYS.days} days {counts.bounced} of {counts.sent} mails bounced, "
        f"{counts.complained} of {counts.delivered} delivered were complained about"
    )
    return Judgement(bounces, complaints, says)


def _reaches(part: int, whole: int, rate: tuple[int, int]) -> bool:
    return part * rate[1] >= whole * rate[0]
