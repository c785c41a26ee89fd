"""A suite that lets a one-character defect pass proves nothing: each turns it red.

A defect is planted in a copy of the sources, and the unit tests that should see it run
against the copy in a process of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

ROOT: Final = Path(__file__).parents[2]
GREEN, RED = 0, 1
"""Exit statuses of pytest; a copy that cannot even be collected has another."""


@frozen
class Defect:
    """One character of the domain, as it is and as it must not be.

    Attributes:
        before: text of the line in *module*, there exactly once.
        seen_by: the unit tests that must see it; with examples, for a search takes
            long to shrink what it finds.
    """

    name: str
    module: str
    before: str
    after: str
    seen_by: tuple[str, ...]


NINE: Final = (
    "test_window.py::test_nine_is_open_and_so_is_the_last_moment_before_eighteen"
)
EIGHTEEN: Final = (
    "test_window.py::test_eighteen_is_closed_and_so_is_the_last_moment_before_nine"
)
MIDNIGHT: Final = (
    "test_decision.py::"
    "test_the_day_rolls_over_at_the_phones_midnight_and_not_a_second_before"
)
ENDS_A_DECISION: Final = (
    "test_decision.py::"
    "test_the_phones_midnight_ends_a_decision_before_a_later_window_does"
)
DEFECTS: Final = (
    Defect(
        "the two hundred and first contact of a day",
        "budget",
        "return used + external < limit",
        "return used + external <= limit",
        ("test_budget.py::test_the_last_unit_fits_and_the_one_after_it_does_not",),
    ),
    Defect(
        "a hard limit of two hundred and one",
        "budget",
        "HARD_LIMIT: Final = 200\n",
        "HARD_LIMIT: Final = 201\n",
        ("test_sender.py::test_no_phone_has_a_limit_beyond_the_hard_one",),
    ),
    Defect(
        "a gap that is not over at its end",
        "pacing",
        "return gate_at is None or now >= gate_at",
        "return gate_at is None or now > gate_at",
        ("test_decision.py::test_the_gap_is_over_at_its_end_and_not_before",),
    ),
    Defect(
        "a gap of thirty seconds that is too short",
        "pacing",
        "if gap < GAP:",
        "if gap <= GAP:",
        ("test_pacing.py",),
    ),
    Defect(
        "nine o'clock is still closed",
        "window",
        "if opening.start <= utc < opening.end:",
        "if opening.start < utc < opening.end:",
        (NINE,),
    ),
    Defect(
        "six o'clock is still open",
        "window",
        "if opening.start <= utc < opening.end:",
        "if opening.start <= utc <= opening.end:",
        (EIGHTEEN,),
    ),
    Defect(
        "a score of fifty is not positive",
        "triage",
        "if analysis.sentiment >= POSITIVE:",
        "if analysis.sentiment > POSITIVE:",
        ("test_triage.py",),
    ),
    Defect(
        "the day rolls over long before midnight",
        "window",
        "return following if start_of_day(following, zone) <= at else day",
        "return following if start_of_day(following, zone) >= at else day",
        (MIDNIGHT,),
    ),
    Defect(
        "a phone's midnight is that of yesterday",
        "window",
        "return start_of_day(local_day(at, zone) + _ONE_DAY, zone)",
        "return start_of_day(local_day(at, zone) - _ONE_DAY, zone)",
        (ENDS_A_DECISION,),
    ),
    Defect(
        "a mail that would wait a minute goes on to another provider",
        "health",
        "or wait > PATIENCE",
        "or wait >= PATIENCE",
        ("test_health.py::test_what_goes_on_to_another_account",),
    ),
    Defect(
        "an account that is away is given several messages at once",
        "relay",
        "return 1 if waiting == 0",
        "return 9 if waiting == 0",
        ("test_relay.py::test_the_room_of_an_account_that_is_away",),
    ),
)


def a_copy(to: Path) -> Path:
    """What the unit tests need, without the rest of the repository."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", to / "src", ignore=ignore)
    shutil.copytree(ROOT / "tests" / "unit", to / "tests" / "unit", ignore=ignore)
    for name in ("tests/conftest.py", "tests/servers.py", "pyproject.toml"):
        shutil.copy(ROOT / name, to / name)
    return to


def plant(copy: Path, defect: Defect) -> None:
    module = copy / "src" / "outreach" / "domain" / f"{defect.module}.py"
    source = module.read_text("utf-8")
    assert source.count(defect.before) == 1, f"{defect.module} has changed: {defect}"
    module.write_text(source.replace(defect.before, defect.after), "utf-8")


def checked(copy: Path, *names: str) -> subprocess.CompletedProcess[str]:
    places = [f"tests/unit/{name}" for name in dict.fromkeys(names)]
    asked = ["-x", "-q", "-p", "no:cacheprovider", *places]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *asked],
        cwd=copy,
        env={
            **os.environ,
            "PYTHONPATH": str(copy / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OUTREACH_TEST_PROFILE": "ci",
        },
        capture_output=True,
        check=False,
        text=True,
    )


def test_the_unmodified_copy_is_green(tmp_path: Path) -> None:
    copy = a_copy(tmp_path)

    done = checked(copy, *(name for defect in DEFECTS for name in defect.seen_by))

    assert done.returncode == GREEN, done.stdout + done.stderr


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_turns_the_suite_red(defect: Defect, tmp_path: Path) -> None:
    copy = a_copy(tmp_path)
    plant(copy, defect)

    done = checked(copy, *defect.seen_by)

    assert done.returncode == RED, done.stdout + done.stderr
    assert "1 failed" in done.stdout


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_each_defect_is_one_character(defect: Defect) -> None:
    longer, shorter = sorted((defect.before, defect.after), key=len, reverse=True)

    if len(longer) == len(shorter):
        assert sum(a != b for a, b in zip(longer, shorter, strict=True)) == 1
    else:
        drops = (longer[:n] + longer[n + 1 :] for n in range(len(longer)))
        assert shorter in set(drops)


def test_the_copy_is_what_is_tested(tmp_path: Path) -> None:
    copy = a_copy(tmp_path)
    where = "import outreach; print(outreach.__file__)"

    done = subprocess.run(
        [sys.executable, "-c", where],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        check=True,
        text=True,
    )

    assert Path(done.stdout.strip()).is_relative_to(copy)
