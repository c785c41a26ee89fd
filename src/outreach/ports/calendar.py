"""Public holidays."""

from __future__ import annotations

from datetime import date
from typing import Protocol

__all__ = ["Calendar"]


class Calendar(Protocol):
    """Promises:
    - the holidays of a year and the next are there, cached;
    - an unknown country has none.
    """

    def holidays(self, country: str, year: int) -> frozenset[date]:
        """Public holidays of a country (ISO 3166 alpha-2) in *year* and the next."""
        ...
