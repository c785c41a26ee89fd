"""Finds the benches, runs those asked for, and says what came of it."""

from __future__ import annotations

import ast
import importlib
import json
import logging
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen
from tests.benchmarks.rows import PeerMissing, Row, table

from outreach.domain.errors import OutreachError

__all__ = ["ALL", "Bench", "Outcome", "found", "measure"]

ALL: Final = tuple(f"P{number}" for number in range(1, 12))
"""Every bar there is to be; those without a bench are not built yet."""

BROKEN: Final = (AssertionError, OSError, OutreachError, RuntimeError)
"""What a bench raises that could not measure; anything else is a defect of it."""

_OWN: Final = ("outreach", "tests")
_log = logging.getLogger(__name__)


@frozen
class Bench:
    """One script.

    Attributes:
        bars: the bars it measures.
        load: imports it, and so its peers; answers its ``rows``.
    """

    name: str
    bars: tuple[str, ...]
    load: Callable[[], Callable[..., Sequence[Row]]]


@define
class Outcome:
    """What a run measured, and what it could not."""

    quick: bool
    rows: list[Row] = field(factory=list)
    failures: list[str] = field(factory=list)

    @property
    def passed(self) -> bool:
        return not self.failures and all(row.passed for row in self.rows)

    def text(self) -> str:
        """The table, and a line for each bench that did not come to its end."""
        lines = [f"{failure}\n" for failure in self.failures]
        return "".join([table(self.rows), *lines])

    def document(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": self.quick,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "load": os.getloadavg(),
            "passed": self.passed,
            "rows": [row.document() for row in self.rows],
            "failures": self.failures,
        }

    def keep(self, folder: Path) -> Path:
        """Write the JSON file into *folder*; answers where."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
        file.write_text(json.dumps(self.document(), indent=2) + "\n", "utf-8")
        return file


def found(folder: Path, package: str) -> Iterator[Bench]:
    """The benches of a folder. None is imported: its peer may be missing."""
    for file in sorted(folder.glob("bench_*.py")):
        module = f"{package}.{file.stem}"
        yield Bench(file.stem, _bars(file), partial(_rows_of, module))


def measure(
    benches: Iterable[Bench],
    *,
    only: frozenset[str],
    quick: bool,
    tell: Callable[[str], None],
) -> Outcome:
    """Run each bench that has a bar of *only*, one after the other.

    A bench that breaks is a failure of the run; the others are measured all the same.
    """
    outcome = Outcome(quick)
    for bench in benches:
        asked = only.intersection(bench.bars)
        if not asked:
            continue
        tell(f"{bench.name} ({', '.join(bench.bars)}) ...")
        try:
            rows = bench.load()(quick=quick, only=only)
        except PeerMissing as missing:
            outcome.failures.append(f"{bench.name}: peer not found: {missing}")
        except BROKEN as error:
            _log.exception("%s broke", bench.name)
            outcome.failures.append(f"{bench.name}: {type(error).__name__}: {error}")
        else:
            outcome.rows += [row for row in rows if row.bar in asked]
            for bar in sorted(asked.difference([row.bar for row in rows])):
                outcome.failures.append(f"{bench.name}: nothing was measured for {bar}")
    outcome.rows.sort(key=lambda row: int(row.bar.removeprefix("P")))
    return outcome


def _rows_of(module: str) -> Callable[..., Sequence[Row]]:
    try:
        rows: Callable[..., Sequence[Row]] = importlib.import_module(module).rows
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in _OWN:
            raise
        message = f"{name} (install the packages of requirements/dev.lock)"
        raise PeerMissing(message) from error
    return rows


def _bars(file: Path) -> tuple[str, ...]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "BARS":
            if node.value is None:
                break
            bars: tuple[str, ...] = ast.literal_eval(node.value)
            return bars
    message = f"{file.name} has no BARS: name the bars that it measures"
    raise LookupError(message)
