"""How long a sender waits between two sends, and after a fault."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from attrs import Attribute, field, frozen

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured

__all__ = ["GAP", "JITTER", "Backoff", "Pacing", "ready"]

GAP: Final = timedelta(seconds=30)
"""Least time between two sends of one sender (INV-3); a setting may raise it."""
JITTER: Final = timedelta(seconds=120)

_SPREAD: Final = 0.25
_ZERO: Final = timedelta()


@frozen
class Pacing:
    """The gap between two sends, counted from the end of the last call.

    Attributes:
        gap: the least; of a phone never under GAP (`demand`).
        jitter: at most so much is added.

    Raises:
        Misconfigured: a negative gap or jitter.
    """

    gap: timedelta = field(default=GAP)
    jitter: timedelta = field(default=JITTER)

    @gap.validator
    @jitter.validator
    def _not_negative(self, name: Attribute[timedelta], wait: timedelta) -> None:
        if wait < _ZERO:
            msg = f"{name.name} of {wait.total_seconds():g} s: give 0 or more"
            raise Misconfigured(msg)

    def demand(self, channel: Channel) -> None:
        """Refuse what a sender of this channel may not have.

        Raises:
            Misconfigured: a phone with a gap under GAP.
        """
        gap = self.gap
        if channel is not Channel.WHATSAPP:
            return
        if gap < GAP:
            msg = (
                f"gap of {gap.total_seconds():g} s: at least "
                f"{GAP.total_seconds():g} s must lie between two sends; raise it"
            )
            raise Misconfigured(msg)

    @property
    def mean(self) -> timedelta:
        return self.gap + self.jitter / 2

    def draw(self, rng: random.Random) -> timedelta:
        """One gap, even between ``gap`` and ``gap + jitter``."""
        return self.gap + self.jitter * rng.random()


@frozen
class Backoff:
    """How long to leave a provider alone that refuses for now.

    Attributes:
        first: the least wait after the first failure.
        ceiling: no wait is longer.

    Raises:
        Misconfigured: the two are not in order.
    """

    first: timedelta = field(default=timedelta(seconds=30))
    ceiling: timedelta = field(default=timedelta(hours=1))

    @ceiling.validator
    def _in_order(self, _: object, ceiling: timedelta) -> None:
        if not _ZERO < self.first <= ceiling:
            msg = (
                f"back-off from {self.first.total_seconds():g} s to "
                f"{ceiling.total_seconds():g} s: begin above 0 and end no lower"
            )
            raise Misconfigured(msg)

    def wait(self, failures: int, rng: random.Random) -> timedelta:
        """The wait after *failures* in a row, at least 1.

        ``first`` doubled for each further failure, and up to a quarter more, so that
        lanes that failed together do not come back together; at the ceiling up to a
        fifth less, for the same reason.

        Raises:
            ValueError: *failures* is under 1.
        """
        if failures < 1:
            msg = f"back-off after {failures} failures: there is none before the first"
            raise ValueError(msg)
        # Doubling stops where the ceiling is surely passed; 2**failures may be huge.
        doublings = min(failures - 1, int(self.ceiling / self.first).bit_length())
        longest = min(self.ceiling, self.first * (1 << doublings) * (1 + _SPREAD))
        shortest = max(self.first, longest / (1 + _SPREAD))
        return shortest + (longest - shortest) * rng.random()


def ready(gate_at: datetime | None, now: datetime) -> bool:
    """Whether a lane may send: it never has, or its gate has come."""
    return gate_at is None or now >= gate_at
