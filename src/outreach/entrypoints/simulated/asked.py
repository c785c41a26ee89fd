"""What a simulation is asked to play."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.domain.window import Hours

__all__ = ["OPENS", "Asked", "Faults"]

OPENS: Final = time(9)
_ALLOWED: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "days": (1, 365),
        "phones": (1, 1_000),
        "leads": (1, 1_000_000),
        "followups": (0, 50),
        "hours": (0.25, 15),
        "reply_rate": (0, 1),
        "bounce_rate": (0, 1),
    }
)


class Faults(StrEnum):
    """What goes wrong at the provider."""

    NONE = "none"
    QUIET = "quiet"
    """A call in a hundred is refused for now, one in two hundred has no answer."""
    BRUTAL = "brutal"
    """Ten times as much; phones disconnect, and some are banned."""


@frozen(kw_only=True)
class Asked:
    """The flags of `outreach simulate`.

    Attributes:
        days: working days.
        followups: of the sequence that is made up; not asked for with *sequence*.
        hours: open a day, from nine.
        reply_rate: share of messages that are answered.
        bounce_rate: share of leads whose number is not on WhatsApp.
        begin: engine time at which everybody is enrolled.

    Raises:
        Misconfigured: a figure that cannot be; names it.
    """

    days: int
    phones: int
    leads: int
    followups: int
    seed: int
    begin: datetime
    sequence: Path | None = None
    hours: float = 9.0
    reply_rate: float = 0.2
    bounce_rate: float = 0.03
    faults: Faults = Faults.QUIET

    def __attrs_post_init__(self) -> None:
        for name, (least, most) in _ALLOWED.items():
            value = getattr(self, name)
            if not least <= value <= most:
                allowed = f"give {least:g} to {most:g}"
                message = f"a simulation with {name} = {value}: {allowed}"
                raise Misconfigured(message)

    @property
    def window(self) -> Hours:
        """Its working hours."""
        minutes = OPENS.hour * 60 + round(self.hours * 60)
        closes = time(minutes // 60 % 24, minutes % 60)
        return Hours(OPENS, closes)

    @property
    def length(self) -> timedelta:
        """Of a working day."""
        return timedelta(minutes=round(self.hours * 60))
