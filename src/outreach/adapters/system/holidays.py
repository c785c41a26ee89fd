"""Public holidays from the holidays library, one look-up per country and year."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays
from attrs import frozen

__all__ = ["LibraryCalendar"]


@frozen
class LibraryCalendar:
    """Implements `outreach.ports.calendar.Calendar`."""

    def holidays(self, country: str, year: int) -> frozenset[date]:
        return _both(country, year)


@lru_cache(maxsize=1024)
def _both(country: str, year: int) -> frozenset[date]:
    return _of(country, year) | _of(country, year + 1)


@lru_cache(maxsize=1024)
def _of(country: str, year: int) -> frozenset[date]:
    if country not in holidays.list_supported_countries(include_aliases=False):
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))
