"""Both times made shorter alike: the one place where machine time is scaled too.

Engine time runs `Scale.times` as fast as the machine's, and every duration of machine
time is that much shorter, so that all ratios of the protocol stay what they are: a gap
of 30 s of engine time takes 0.3 s at 100 times, a lease of 60 s takes 0.6 s.

The engine clock of a scaled run waits for work that is undone. Here it must not: under
faults time goes on, as real time does, whatever lies undone. So a chaos database gets
one function of its own, which reads the same row without waiting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from attrs import evolve, frozen

from outreach.adapters.redis.guard import YOUNG
from outreach.domain.pacing import GAP
from outreach.domain.timing import Timing

__all__ = [
    "CLOCK",
    "ENGINE",
    "KEPT",
    "LEAST_TIMES",
    "MACHINE",
    "TIMES",
    "Scale",
    "read_scale",
]
__all__ += ["times_here"]

MACHINE: Final = (
    "lease",
    "call_budget",
    "call",
    "connect",
    "arm_margin",
    "grace",
    "fence",
    "doubtful",
)
"""The durations of `Timing` that are machine time."""
ENGINE: Final = (
    "rest",
    "first_look",
    "second_look",
    "later_look",
    "give_up",
    "undo",
    "inbox_behind",
)
"""Those of engine time, whose clock runs faster instead."""
KEPT: Final = ("offset_alerts", "offset_stops")
"""How far two clocks are apart does not depend on how fast they run."""

TIMES: Final = "OUTREACH_TEST_CHAOS_TIMES"
"""Names another scale than the one this machine's load suggests."""
_IDLE_TIMES: Final = 50.0
LEAST_TIMES: Final = 10.0

CLOCK: Final = """
CREATE OR REPLACE FUNCTION engine_now() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (SELECT position + speed * (clock_timestamp() - ticked_at)
            FROM engine_clock);
END
$$;
"""


@frozen
class Scale:
    """How many times as fast everything runs.

    Attributes:
        began: engine time at *began_on*.
        began_on: of the machine's clock.
    """

    times: float
    began: datetime
    began_on: datetime

    @property
    def timing(self) -> Timing:
        """Every duration of machine time made shorter; those of engine time kept."""
        whole = Timing()
        short = whole.scaled(1 / self.times)
        return evolve(whole, **{name: getattr(short, name) for name in MACHINE})

    @property
    def gap(self) -> timedelta:
        """The least machine time between two sends of a phone."""
        return GAP / self.times

    @property
    def young(self) -> timedelta:
        """How long a rebuild of the guard spares what the ledger does not know."""
        return YOUNG / self.times

    @property
    def slower(self) -> float:
        """How much longer things take than at 40 times, for which waits are given."""
        return 40 / self.times

    @property
    def recovery(self) -> timedelta:
        """Machine time from the death of a worker until its lanes may go on."""
        return self.timing.lease + self.timing.grace

    def engine(self, on: datetime) -> datetime:
        """Engine time at a time of the machine's clock."""
        return self.began + self.times * (on - self.began_on)

    def machine(self, at: datetime) -> datetime:
        """Time of the machine's clock at an engine time."""
        return self.began_on + (at - self.began) / self.times


def times_here(env: Mapping[str, str] = os.environ) -> float:
    """How many times as fast a run may be here and now: less on a busy machine.

    At 50 times a claim must be a call within 0.1 s, which a process that waits for a
    core does not do; it would send nothing, and prove nothing.
    """
    if env.get(TIMES):
        return float(env[TIMES])
    busy, *_ = os.getloadavg()
    cores = os.cpu_count() or 1
    return max(LEAST_TIMES, min(_IDLE_TIMES, _IDLE_TIMES * cores / max(busy, 1.0)))


def read_scale(connection: psycopg.Connection) -> Scale:
    """What the clock row of a chaos database says."""
    row = connection.execute(
        "SELECT position, speed, ticked_at FROM engine_clock"
    ).fetchone()
    assert row is not None
    position, speed, ticked_at = row
    return Scale(speed, position.astimezone(UTC), ticked_at.astimezone(UTC))
