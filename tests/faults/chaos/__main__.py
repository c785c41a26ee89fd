"""``make soak``: rounds of blows until there were enough, and one JSON line for each.

Variables (the numbers of a release are the defaults): SOAK_KILLS=1000, SOAK_STOPS=300,
SOAK_FLUSHES=300, SOAK_RESTARTS=50, SOAK_WEBHOOKS=1000 (delivered ten times each),
SOAK_SEEDS=100000 of the simulation, SOAK_SEED=1 of the first round, SOAK_ROUND_S=60.
Ends with status 1 at the first breach, whose seed it names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import define, field
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores, opened_stores
from tests.faults.chaos.stage import World, three_channels
from tests.faults.chaos.trial import Blows, deliver, tell, trial

from outreach.domain.invariants import Breach

__all__ = ["main"]

_DEFAULTS: Final = {
    "SOAK_KILLS": 1000,
    "SOAK_STOPS": 300,
    "SOAK_FLUSHES": 300,
    "SOAK_RESTARTS": 50,
    "SOAK_WEBHOOKS": 1000,
    "SOAK_SEEDS": 100_000,
    "SOAK_SEED": 1,
    "SOAK_ROUND_S": 60,
}
_COPIES: Final = 10
_MIX: Final = {
    "kill": 4.0,
    "stop": 1.5,
    "flush": 1.5,
    "half": 0.5,
    "backends": 0.4,
    "bells": 0.2,
    "opt-out": 0.6,
    "switch": 0.2,
    "web": 0.4,
    "limit": 0.1,
}
_MAIL_MIX: Final = {"mail-out": 0.6, "link": 0.6, "breaker": 0.1}


@define
class _Soak:
    stores: Stores
    nursery: Nursery
    folder: Path
    wanted: Mapping[str, int]
    total: Counter[str] = field(factory=Counter, init=False)
    struck: Counter[str] = field(factory=Counter, init=False)
    breaches: list[Breach] = field(factory=list, init=False)
    smallest_gap: float = field(default=float("inf"), init=False)
    slowest_s: float = field(default=0.0, init=False)

    def rounds(self) -> None:
        """Until every kind of blow was struck often enough."""
        seed, rounds = self.wanted["SOAK_SEED"], 0
        while not self.breaches and self._lacks():
            self._round(seed + rounds)
            rounds += 1
        self.total["rounds"] = rounds

    def _lacks(self) -> bool:
        total = self.total
        kills = total["kill"] + total["point kill"]
        stops = total["stop"] + total["point stop"]
        return (
            kills < self.wanted["SOAK_KILLS"]
            or stops < self.wanted["SOAK_STOPS"]
            or total["flush"] < self.wanted["SOAK_FLUSHES"]
            or total["postgres"] < self.wanted["SOAK_RESTARTS"]
            or total["redis"] < self.wanted["SOAK_RESTARTS"]
        )

    def _round(self, seed: int) -> None:
        """Every third over three channels, every fourth over bad lines; a restart of
        each server every ten seconds.
        """
        lacks = self.wanted["SOAK_RESTARTS"] - self.total["postgres"]
        seconds = self.wanted["SOAK_ROUND_S"]
        lines, mails = seed % 4 == 0, seed % 3 == 0
        verdict = trial(
            self.stores,
            self.nursery,
            self.folder / f"round-{seed}",
            three_channels(seed, lines=lines) if mails else World(seed, lines=lines),
            Blows(
                seconds,
                max(0, min(lacks, seconds // 10)),
                mix=_MIX | _MAIL_MIX if mails else _MIX,
                pause_s=0.35,
            ),
        )
        tell(verdict.line())
        self.total.update(verdict.injected)
        self.struck.update(verdict.struck)
        self.total["accepted"] += verdict.accepted
        self.total["opted out"] += verdict.opted_out
        self.total["webhooks of the provider"] += verdict.events
        self.total["provider's faults"] += sum(verdict.faults.values())
        for name, count in verdict.mail.items():
            if name.startswith("most"):
                self.total[f"mail: {name}"] = max(self.total[f"mail: {name}"], count)
            else:
                self.total[f"mail: {name}"] += count
        self.smallest_gap = min(self.smallest_gap, verdict.smallest_gap)
        self.slowest_s = max(self.slowest_s, verdict.settled_s)
        self._note(verdict.breaches, str(verdict))

    def deliveries(self) -> None:
        """Each event ten times, in any order."""
        events = self.wanted["SOAK_WEBHOOKS"]
        if self.breaches or not events:
            return
        found, figures = deliver(
            self.stores,
            self.nursery,
            self.folder / "deliveries",
            seed=self.wanted["SOAK_SEED"],
            events=events,
            least=_COPIES,
            most=_COPIES,
        )
        tell(json.dumps({"deliveries": figures}))
        for name in ("events", "deliveries", "answered", "stored", "applied"):
            self.total[f"posted {name}"] = figures[name]
        self._note(found, str(figures))

    def _note(self, found: Sequence[Breach], said: str) -> None:
        if found:
            sys.stderr.write(f"{said}\n")
            self.breaches += found

    def table(self, seconds: float) -> str:
        """The closing table, in Markdown."""
        rows = sorted(self.total.items())
        rows += [(f"at {point}", times) for point, times in sorted(self.struck.items())]
        lines = [f"| {name} | {times} |" for name, times in rows]
        return "\n".join(
            [
                "| what | times |",
                "|---|---|",
                *lines,
                f"| smallest gap, of the least | {self.smallest_gap:.3f} |",
                f"| longest until all was done again, s | {self.slowest_s:.1f} |",
                f"| seconds | {seconds:.0f} |",
                f"| **breaches** | **{len(self.breaches)}** |",
            ]
        )


def _simulated(seeds: int) -> int:
    """The simulation's own soak; its exit status."""
    command = [
        sys.executable,
        "-m",
        "outreach.testing.simulation",
        "--soak",
        str(seeds),
    ]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """0: nothing was broken."""
    wanted = {name: int(os.environ.get(name, n)) for name, n in _DEFAULTS.items()}
    began = time.monotonic()
    with (
        TemporaryDirectory(prefix="soak-") as folder,
        opened_stores() as stores,
        Nursery.open(Path(folder) / "nursery.log") as nursery,
    ):
        soak = _Soak(stores, nursery, Path(folder), wanted)
        soak.rounds()
        soak.deliveries()
    tell(soak.table(time.monotonic() - began))
    status = _simulated(wanted["SOAK_SEEDS"]) if wanted["SOAK_SEEDS"] else 0
    return 1 if soak.breaches else status


if __name__ == "__main__":
    sys.exit(main())
