"""'Look', and nothing more."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

__all__ = ["Bell"]


class Bell(Protocol):
    """Wakes sleeping workers early. Best effort: losing every ring loses nothing.

    Promises:
    - a ring wakes a worker that waits;
    - many rings for one time do not pile up;
    - a ring that fails raises nothing.
    """

    async def ring(self, after: timedelta = timedelta()) -> None:
        """Have workers look *after* this much machine time."""
        ...
