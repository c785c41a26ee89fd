"""Which zones a prospect's window is kept in when nobody said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.domain.window import Hours, zone_info

__all__ = ["ENOUGH", "ZoneChoice", "ZoneClues", "zones_for"]

ENOUGH: Final = timedelta(hours=3)
"""Hours a day that must remain for several zones to be kept at once."""

_HALF_A_YEAR: Final = timedelta(days=182)
_UNKNOWN: Final = "Etc/Unknown"


@frozen
class ZoneClues:
    """What is known about where a prospect is; IANA names.

    Attributes:
        known: the lead's own zone.
        number_zones: those of the number's prefix.
        country_zones: those of the number's country.
        tenant_zone: the last resort.
        sequence_zone: stands in for an unknown zone, never against the number.
    """

    tenant_zone: str
    known: str | None = None
    number_zones: Sequence[str] = ()
    country_zones: Sequence[str] = ()
    sequence_zone: str | None = None


@frozen
class ZoneChoice:
    """The zones a window is kept in, and why, in words for a person."""

    zones: tuple[str, ...]
    why: str


def zones_for(clues: ZoneClues, *, hours: Hours, at: datetime) -> ZoneChoice:
    """Choose, in this order.

    1. the lead's own zone
    2. the zone of the number's country, if it has one only
    3. the sequence's, if the number's country has that time, or is unknown
    4. all zones of the country, if at least 3 of the *hours* are common on the day
       of *at*
    5. the zone of the number's prefix (its zones, if 3 hours are common to them)
    6. the tenant's

    Raises:
        Misconfigured: names a zone that does not exist.
    """
    if clues.known:
        return _choice((clues.known,), "the lead's own zone")
    prefix = _distinct(clues.number_zones)
    country = _distinct(clues.country_zones) or prefix
    if len(country) == 1:
        return _choice(country, "the zone of the number's country")
    sequence = clues.sequence_zone
    if sequence and (not country or _agrees(sequence, country, at)):
        return _choice((sequence,), "the sequence's zone, the lead's being unknown")
    if country and _common(country, hours, at) >= ENOUGH:
        why = f"the hours common to the {len(country)} zones of the number's country"
        return _choice(country, why)
    if prefix and _common(prefix, hours, at) >= ENOUGH:
        return _choice(prefix, "the zone of the number's prefix")
    return _choice((clues.tenant_zone,), "the tenant's zone, the lead's being unknown")


def _choice(zones: tuple[str, ...], why: str) -> ZoneChoice:
    for name in zones:
        zone_info(name)
    return ZoneChoice(zones, why)


def _distinct(zones: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(zones) - {_UNKNOWN, ""}))


def _agrees(zone: str, others: Sequence[str], at: datetime) -> bool:
    """Whether one of *others* has the same time as *zone*, summer and winter."""
    return any(
        zone == other
        or all(
            _offset(zone, moment) == _offset(other, moment)
            for moment in (at, at + _HALF_A_YEAR)
        )
        for other in others
    )


def _common(zones: Sequence[str], hours: Hours, at: datetime) -> timedelta:
    """How long all *zones* are open at once on the day of *at*; negative: never."""
    offsets = [_offset(zone, at) for zone in zones]
    return hours.length - (max(offsets) - min(offsets))


def _offset(zone: str, at: datetime) -> timedelta:
    return at.astimezone(zone_info(zone)).utcoffset() or timedelta()
