"""Play a world again, or very many.

python -m outreach.testing.simulation 4711
python -m outreach.testing.simulation 4711 --mutant tests.simulation.mutants:NAME
python -m outreach.testing.simulation 4711 --trace
python -m outreach.testing.simulation --soak 100000 --processes 2
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from outreach.testing.simulation.play import play, soak, traced
from outreach.testing.simulation.weather import drawn

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Answers 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m outreach.testing.simulation")
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--mutant", help="module:name of a planted defect")
    parser.add_argument("--trace", action="store_true", help="print every turn")
    parser.add_argument("--soak", type=int, metavar="N", help="play N seeds from SEED")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    write = sys.stdout.write
    if given.soak:
        summary = soak(range(given.seed, given.seed + given.soak), given.processes)
        write(f"{summary}\n")
        return 1 if summary.failed or summary.missed else 0
    weather = drawn(given.seed)
    planted: AbstractContextManager[Any] = nullcontext()
    if given.mutant:
        module, _, name = given.mutant.partition(":")
        mutant = importlib.import_module(module).MUTANTS[name]
        weather, planted = mutant.weather(given.seed), mutant.planted()
    with planted as change:
        if given.trace:
            write(traced(weather, change).decode() + "\n")
        played = play(weather, change)
    write(f"{played.sends} sends, {played.steps} turns, {dict(played.seen)}\n")
    for breach in played.breaches:
        write(f"{breach}\n")
    return 1 if played.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
