"""Playing worlds: one, many, or many on all cores, and what came of them."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor

from attrs import field, frozen

from outreach.domain.invariants import Breach, Invariant
from outreach.testing.simulation.evidence import breaches
from outreach.testing.simulation.schedule import Defect
from outreach.testing.simulation.watch import REACHED
from outreach.testing.simulation.weather import Weather, drawn
from outreach.testing.simulation.world import Change, World

__all__ = ["Played", "Summary", "play", "play_many", "soak", "traced"]


@frozen
class Played:
    """What came of one world.

    Attributes:
        reproduce: the command that plays it again.
        digest: of what was sent and what the ledger holds; the same, always.
    """

    seed: int
    breaches: tuple[Breach, ...]
    sends: int
    steps: int
    seen: Counter[str]
    digest: str

    @property
    def reproduce(self) -> str:
        """One line."""
        return f"python -m outreach.testing.simulation {self.seed}"


@frozen
class Summary:
    """What came of many worlds.

    Attributes:
        failed: those in which something did not hold.
    """

    worlds: int
    days: int
    sends: int
    steps: int
    seconds: float
    failed: tuple[Played, ...]
    seen: Counter[str] = field(factory=Counter)

    @property
    def missed(self) -> tuple[str, ...]:
        """What was never reached."""
        return tuple(what for what in REACHED if not self.seen[what])

    def __str__(self) -> str:
        """Figures, then each failure with its reproduction."""
        rate = self.worlds / self.seconds * 60 if self.seconds else 0.0
        lines = [
            f"{self.worlds} worlds, {self.days} days, {self.sends} sends",
            f"{self.steps} turns in {self.seconds:.0f} s ({rate:.0f} worlds/min)",
            f"failed: {len(self.failed)}",
            *(f"reached {what}: {self.seen[what]}" for what in REACHED),
        ]
        for one in self.failed:
            lines += [one.reproduce, *(f"  {breach}" for breach in one.breaches[:5])]
        return "\n".join(lines)


def play(
    weather: Weather,
    change: Change | None = None,
    trace: Callable[[str, str, float], None] | None = None,
) -> Played:
    """Play one world to its end and judge it."""
    world = World(weather, change, trace)
    try:
        found = _judged(world)
        return Played(
            seed=weather.seed,
            breaches=tuple(found),
            sends=len(world.sent),
            steps=world.schedule.steps,
            seen=Counter(world.seen),
            digest=_digest(world),
        )
    finally:
        world.schedule.bury()


def _judged(world: World) -> list[Breach]:
    try:
        world.run()
    except Defect as defect:
        return [Breach(Invariant.NOTHING_LOST, "a process", str(defect))]
    for what, count in _outcomes(world).items():
        world.seen[what] += count
    return breaches(world)


def _outcomes(world: World) -> Counter[str]:
    """What became of those whose outcome nobody knew."""
    store = world.parts.store
    found = Counter({"warm mail went on": len(store.relayed.passed)})
    for attempt in store.attempts.values():
        if attempt.overdue_at is not None:
            name = str(attempt.outcome)
            found["UNKNOWN then delivered"] += name == "ACCEPTED"
            found["UNKNOWN abandoned"] += name == "ABANDONED"
    return found


def _digest(world: World) -> str:
    taken = hashlib.blake2b(digest_size=16)
    for sent in world.sent:
        taken.update(f"{sent.uid} {sent.hash} {sent.on}\n".encode())
    for name, row in world.parts.store.attempts.items():
        taken.update(f"{name} {row.outcome} {row.token}\n".encode())
    taken.update(f"{world.schedule.steps} {world.clock.seconds!r}".encode())
    return taken.hexdigest()


def traced(weather: Weather, change: Change | None = None) -> bytes:
    """Every turn of a world, one line each, and its digest."""
    lines: list[str] = []

    def trace(fiber: str, what: str, at: float) -> None:
        lines.append(f"{at!r} {fiber} {what}")

    played = play(weather, change, trace)
    return "\n".join([*lines, played.digest]).encode()


def play_many(
    seeds: Iterable[int],
    weather: Callable[[int], Weather] = drawn,
    change: Change | None = None,
) -> Summary:
    """Play the worlds of *seeds*, one after the other."""
    began = time.perf_counter()
    worlds = days = sends = steps = 0
    failed: list[Played] = []
    seen: Counter[str] = Counter()
    for seed in seeds:
        one = weather(seed)
        played = play(one, change)
        worlds, days = worlds + 1, days + one.days
        sends, steps = sends + played.sends, steps + played.steps
        seen.update(played.seen)
        if played.breaches:
            failed.append(played)
    seconds = time.perf_counter() - began
    return Summary(worlds, days, sends, steps, seconds, tuple(failed), seen)


def soak(seeds: range, processes: int, chunk: int = 50) -> Summary:
    """Play the worlds of *seeds* in several processes at once."""
    began = time.perf_counter()
    chunks = [seeds[at : at + chunk] for at in range(0, len(seeds), chunk)]
    with ProcessPoolExecutor(processes) as pool:
        parts = list(pool.map(play_many, chunks))
    seen: Counter[str] = Counter()
    for part in parts:
        seen.update(part.seen)
    return Summary(
        worlds=sum(part.worlds for part in parts),
        days=sum(part.days for part in parts),
        sends=sum(part.sends for part in parts),
        steps=sum(part.steps for part in parts),
        seconds=time.perf_counter() - began,
        failed=tuple(played for part in parts for played in part.failed),
        seen=seen,
    )
