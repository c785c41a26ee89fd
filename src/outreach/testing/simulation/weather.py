"""What a seed draws: the place, the people, and how bad things get.

Swarm style: every kind of fault has a strength of its own, often none, so that quiet
and brutal worlds both occur and no fault always hides behind another.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.timing import Timing
from outreach.domain.window import Hours
from outreach.testing.simulation.mail_weather import Mail, mail_of

__all__ = ["DAY_S", "Layer", "Weather", "drawn"]

DAY_S: Final = 86_400.0

_STRENGTHS: Final = (0.0, 0.0, 0.3, 1.0, 3.0)
_MARCH: Final = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""A Monday, before any window in Europe opens."""
_SUMMER_TIME_ENDS: Final = datetime(2026, 10, 22, 4, tzinfo=UTC)
"""The Thursday before clocks in Europe go back."""
_SUMMER_TIME_BEGINS: Final = datetime(2026, 3, 26, 4, tzinfo=UTC)
_AMERICA_CHANGES: Final = datetime(2026, 3, 5, 4, tzinfo=UTC)
_EVERY_DAY: Final = frozenset(range(7))
_STARTS: Final = (
    (_MARCH, Hours()),
    (_MARCH, Hours()),
    (_MARCH, Hours()),
    (_SUMMER_TIME_ENDS, Hours(days=_EVERY_DAY)),
    (_SUMMER_TIME_BEGINS, Hours(days=_EVERY_DAY)),
    (_AMERICA_CHANGES, Hours(days=_EVERY_DAY)),
)
_LEAD_ZONES: Final = (
    ("Europe/Bucharest",),
    ("Europe/Bucharest",),
    ("Europe/Bucharest", "Europe/London"),
    ("Europe/Bucharest", "America/New_York"),
    ("Asia/Tokyo", "Europe/Bucharest"),
)
_PHONE_ZONES: Final = (
    ("Europe/Bucharest",),
    ("Europe/Bucharest", "America/Los_Angeles"),
    ("Asia/Tokyo", "America/Los_Angeles", "UTC"),
)
_LIMITS: Final = (6, 8, 10, 20)
_NUMBERS_BESIDE_MAIL: Final = 16


class Layer(StrEnum):
    """A protection that a world may lack, because another hides behind it."""

    ALARM = "ALARM"
    """The process's alarm; then it is never stopped, but slow at one thing at a time,
    and never long where a call begins."""
    GUARD = "GUARD"
    """Redis says OK to everything."""
    LEDGER = "LEDGER"
    """Nobody counts units in the ledger; then Redis never goes back in time."""
    GRACE = "GRACE"
    """A lane is taken the moment its lease runs out."""


@frozen
class Weather:
    """All that is drawn before a world begins. Rates are per day, chances 0 to 1.

    Attributes:
        start: engine and machine time (UTC).
        days: the last one has no faults.
        crash, stall, error: chance at each suspension.
        stall_at: operations (``arm+``) where a process may stop; None: anywhere.
        longest_stall: seconds.
        redis: flushes, losses, outages and returns of an older state.
        silent, lost, refused, broken: chance that a call is accepted without an
            answer, lost, refused for now (429), or answered 503.
        cold: chance that a phone is refused strangers; bad: that a number is none.
        slow: seconds that a call takes at most.
        outages: of phones; bans: chance that a phone is banned in a call.
        aimed: chance that something happens to a message, or its phone's limit is
            lowered, in the very moment it is claimed.
        delay_h: hours between steps.
        echoed, late: chance that a message is echoed by a webhook, and that this
            comes late.
        repeated: chance that a webhook comes again.
        answering, leaving, absent: chance that a prospect replies, opts out, or has
            a machine answer.
        external: messages people send from the phones' own app.
        commands: what operators do.
        off: layers that this world lacks.
        mail: what it has beside phones; None: nothing.
    """

    seed: int
    start: datetime = _MARCH
    days: int = 5
    hours: Hours = field(factory=Hours)
    phones: int = 4
    leads: int = 60
    steps: int = 3
    workers: int = 3
    limit: int = 8
    lead_zones: tuple[str, ...] = ("Europe/Bucharest",)
    phone_zones: tuple[str, ...] = ("Europe/Bucharest",)
    crash: float = 0.0
    stall: float = 0.0
    error: float = 0.0
    stall_at: frozenset[str] | None = None
    crash_at: frozenset[str] | None = None
    error_at: frozenset[str] | None = None
    shortest_stall: float = 1.0
    longest_stall: float = 180.0
    redis: float = 0.0
    redis_returns: bool = True
    silent: float = 0.0
    lost: float = 0.0
    refused: float = 0.0
    broken: float = 0.0
    cold: float = 0.0
    bad: float = 0.0
    slow: float = 4.0
    outages: float = 0.0
    bans: float = 0.0
    aimed: float = 0.0
    delay_h: float = 20.0
    echoed: float = 0.9
    late: float = 0.1
    repeated: float = 0.05
    answering: float = 0.03
    leaving: float = 0.01
    absent: float = 0.01
    external: float = 0.0
    commands: float = 0.0
    off: frozenset[Layer] = frozenset()
    mail: Mail | None = None
    timing: Timing = field(factory=Timing)

    @property
    def calm(self) -> float:
        """Seconds from the start to the last day."""
        return (self.days - 1) * DAY_S

    @property
    def end(self) -> float:
        """Seconds from the start to the end."""
        return self.days * DAY_S


def drawn(seed: int) -> Weather:
    """The weather of *seed*; the same, always."""
    rng = random.Random(f"weather {seed}")

    def strength() -> float:
        return rng.choice(_STRENGTHS)

    start, hours = rng.choice(_STARTS)
    off = frozenset({rng.choice(tuple(Layer))}) if rng.random() < 0.3 else frozenset()
    weather = Weather(
        seed=seed,
        start=start,
        hours=hours,
        leads=rng.choice((60, 60, 72)),
        limit=rng.choice(_LIMITS),
        lead_zones=rng.choice(_LEAD_ZONES),
        phone_zones=rng.choice(_PHONE_ZONES),
        crash=0.0015 * strength(),
        stall=0.002 * strength(),
        error=0.003 * strength(),
        longest_stall=25.0 if Layer.LEDGER in off else rng.choice((60.0, 180.0, 600.0)),
        redis=0.5 * strength(),
        redis_returns=Layer.LEDGER not in off,
        silent=0.02 * strength(),
        lost=0.01 * strength(),
        refused=0.02 * strength(),
        broken=0.01 * strength(),
        cold=0.003 * strength(),
        bad=0.01 * strength(),
        slow=rng.choice((1.0, 4.0, 24.0)),
        outages=0.2 * strength(),
        bans=0.001 * strength(),
        aimed=0.004 * strength(),
        delay_h=rng.choice((20.0, 20.0, 9.0)),
        echoed=rng.choice((0.1, 0.6, 0.8, 0.9)),
        late=0.1 * strength(),
        repeated=0.1 * strength(),
        answering=0.02 * strength(),
        leaving=0.01 * strength(),
        absent=0.01 * strength(),
        external=0.3 * strength(),
        commands=0.5 * strength(),
        off=off,
    )
    mail = mail_of(seed)
    if mail is None:
        return weather
    # No dearer than a world of phones alone: fewer of them, and fewer numbers.
    return evolve(weather, phones=2, leads=_NUMBERS_BESIDE_MAIL, days=4, mail=mail)
