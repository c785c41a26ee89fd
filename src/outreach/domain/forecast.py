"""A sender's days, slot by slot: what the closed formulas say, played through.

The formulas of `outreach.domain.capacity` speak of the long run. Here one sender draws
its gaps, takes new contacts and follow-ups in turn as `outreach.domain.serving` has it,
and each day is counted, so that both can be held against each other.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from attrs import define, field, frozen

from outreach.domain.capacity import Demand
from outreach.domain.pacing import GAP

__all__ = ["BOUND", "ForecastDay", "forecast", "late_on"]

BOUND: Final = 1.0
"""Working days that a lead may wait for its first message, and, beyond the one in which
it shares the slots, a follow-up for its turn.
"""
_SHARES: Final = 1.0
"""Working days in which a due follow-up shares the slots with new contacts."""


@frozen
class ForecastDay:
    """One working day of one sender.

    Attributes:
        day: from 1.
        waiting: leads that had come and were not contacted when the day closed.
        due: follow-ups that were due then.
        oldest_lead, oldest_followup: working days the oldest of each had waited.
    """

    day: int
    new: int
    followups: int
    waiting: int
    due: int
    oldest_lead: float
    oldest_followup: float

    @property
    def is_late(self) -> bool:
        """The backlog is past its bound."""
        return self.oldest_lead > BOUND or self.oldest_followup > _SHARES + BOUND


def forecast(demand: Demand, days: int, rng: random.Random) -> Iterator[ForecastDay]:
    """Play *days* working days of one of the demand's senders.

    A lead comes with the opening of its day; a follow-up is due a working day after the
    message before it. A batch ends when its share of this sender is used up.
    """
    sender = _Sender(demand, rng)
    for day in range(days):
        yield sender.work(day)


def late_on(played: Iterator[ForecastDay]) -> int | None:
    """The first working day at whose close the backlog is past its bound."""
    return next((one.day for one in played if one.is_late), None)


@define(eq=False)
class _Sender:
    """Times are working days from the beginning; the fraction is the time of day."""

    demand: Demand
    rng: random.Random
    leads: deque[float] = field(factory=deque)
    due: deque[tuple[float, int]] = field(factory=deque)
    owed: float = 0.0
    came: int = 0
    last_was_new: bool = False

    def work(self, day: int) -> ForecastDay:
        self._arrive(day)
        sent_new = sent_due = 0
        length = self.demand.hours.total_seconds()
        clock = self._gap()
        while clock < length:
            now = day + clock / length
            if self._takes_followup(now, new_left=sent_new < self.demand.limit):
                _, touch = self.due.popleft()
                self._plan_next(now, touch + 1)
                self.last_was_new = False
                sent_due += 1
            elif self.leads and sent_new < self.demand.limit:
                self.leads.popleft()
                self._plan_next(now, 1)
                self.last_was_new = True
                sent_new += 1
            clock += self._gap() + self.demand.send_time.total_seconds()
        return self._closed(day, sent_new, sent_due)

    def _arrive(self, day: int) -> None:
        self.owed += self.demand.new
        coming = int(self.owed + 1e-9)
        self.owed -= coming
        if self.demand.batch is not None:
            share = -(-self.demand.batch // self.demand.senders)
            coming = min(coming, share - self.came)
        self.came += coming
        self.leads.extend([float(day)] * coming)

    def _takes_followup(self, now: float, *, new_left: bool) -> bool:
        if not self.due or self.due[0][0] > now:
            return False
        alone = not self.leads or not new_left
        return alone or self.last_was_new or now - self.due[0][0] >= _SHARES

    def _plan_next(self, now: float, touch: int) -> None:
        more = self.demand.followups is None or touch <= self.demand.followups
        if more and self.rng.random() >= self.demand.stop_rate:
            self.due.append((now + 1, touch))

    def _gap(self) -> float:
        """Even between the least gap and as much above the mean."""
        width = 2 * max(timedelta(), self.demand.gap - GAP)
        return (GAP + width * self.rng.random()).total_seconds()

    def _closed(self, day: int, sent_new: int, sent_due: int) -> ForecastDay:
        end = day + 1.0
        late = [at for at, _ in self.due if at <= end]
        return ForecastDay(
            day=day + 1,
            new=sent_new,
            followups=sent_due,
            waiting=len(self.leads),
            due=len(late),
            oldest_lead=end - self.leads[0] if self.leads else 0.0,
            oldest_followup=end - late[0] if late else 0.0,
        )
