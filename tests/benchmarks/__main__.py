"""``python -m tests.benchmarks``: measure the bars, both sides in one run.

Exit status: 0 every bar asked for was reached, 1 one was missed or could not be
measured (a peer that is not there is named), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.runner import ALL, found, measure

__all__ = ["main"]

TERMINATED: Final = 143

_HERE: Final = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--only", metavar="P7,P8", help="these bars; else all built")
    parser.add_argument(
        "--quick", action="store_true", help="smaller sizes and fewer rounds"
    )
    parser.add_argument(
        "--results", type=Path, default=_HERE / "results", help="folder for the JSON"
    )
    given = parser.parse_args(arguments)
    benches = list(found(_HERE, "tests.benchmarks"))
    built = frozenset(bar for bench in benches for bar in bench.bars)
    only = frozenset(given.only.upper().split(",")) if given.only else built
    if strange := only - built:
        parser.error(
            f"not built: {', '.join(sorted(strange))}; "
            f"built are {', '.join(bar for bar in ALL if bar in built)}"
        )
    outcome = measure(
        benches,
        only=only,
        quick=given.quick,
        tell=_tell,
    )
    file = outcome.keep(given.results)
    sys.stdout.write(outcome.text())
    if missing := [bar for bar in ALL if bar not in built]:
        sys.stdout.write(f"not built yet: {', '.join(missing)}\n")
    sys.stdout.write(f"{'PASS' if outcome.passed else 'FAIL'}, see {file}\n")
    return 0 if outcome.passed else 1


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    # Else the servers and workers of a bench would outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    sys.exit(main())
