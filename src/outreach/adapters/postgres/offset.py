"""How far this machine's clock is from the server's, seen in passing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from attrs import define, field

__all__ = ["OffsetWatch"]


@define(eq=False)
class OffsetWatch:
    """Compares the server's time in an answer with when it was asked and answered.

    A server whose time lies between the two is not off, however long the answer took:
    a slow network makes this blind, but never wrong.

    Attributes:
        wall: this machine's clock, seconds since 1970.
        offset: as far as the last answer proves, the server's clock is ahead by this
            much; negative: behind.
    """

    wall: Callable[[], float] = time.time
    offset: timedelta = field(default=timedelta(), init=False)

    @contextmanager
    def asking(self) -> Iterator[Callable[[datetime], None]]:
        """Around one question; what it gives is called with the server's time."""
        before = self._now()

        def tell(at: datetime) -> None:
            after = self._now()
            ahead, behind = at - after, at - before
            self.offset = max(ahead, timedelta()) + min(behind, timedelta())

        yield tell

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.wall(), UTC)
