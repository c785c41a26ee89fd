"""The speed bars: what fails their run, and that it says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from tests.benchmarks.__main__ import main
from tests.benchmarks.rows import PeerMissing, Row
from tests.benchmarks.runner import Bench, Outcome, found, measure

Sense = Literal["at most", "at least"]


def row(
    *, ours: float, peer: float = 10.0, sense: Sense = "at most", bar: str = "P7"
) -> Row:
    return Row(bar, "claim", "us", (ours,), (peer,), sense=sense, limit=1.0)


def bench(*rows: Row, bars: tuple[str, ...] = ("P7",)) -> Bench:
    return Bench("bench_made", bars, lambda: lambda **_: rows)


def broken(error: Exception) -> Bench:
    def load() -> Callable[..., Sequence[Row]]:
        raise error

    return Bench("bench_broken", ("P7",), load)


def run(*benches: Bench, only: str = "P7") -> Outcome:
    return measure(
        benches, only=frozenset(only.split(",")), quick=True, tell=lambda _: None
    )


def in_folder(folder: Path, source: str) -> Sequence[Bench]:
    (folder / "bench_one.py").write_text(source, "utf-8")
    return list(found(folder, folder.name))


@pytest.mark.parametrize(
    ("ours", "sense", "passed"),
    [
        (10.0, "at most", True),
        (10.1, "at most", False),
        (10.0, "at least", True),
        (10.1, "at least", False),
    ],
)
def test_a_run_passes_exactly_when_its_bar_is_reached(
    ours: float, sense: Sense, *, passed: bool
) -> None:
    outcome = run(bench(row(ours=ours, sense=sense)))

    assert outcome.passed is passed
    assert outcome.text().splitlines()[1].endswith("pass" if passed else "MISS")


def test_one_missed_bar_among_reached_ones_fails_the_run() -> None:
    outcome = run(bench(row(ours=1), row(ours=11), row(ours=1)))

    assert not outcome.passed


def test_a_missing_peer_fails_the_run_and_is_named() -> None:
    outcome = run(broken(PeerMissing("fastify")), bench(row(ours=1)))

    assert not outcome.passed
    assert "bench_broken: peer not found: fastify" in outcome.text()
    assert len(outcome.rows) == 1


def test_a_bench_that_breaks_fails_the_run_and_the_others_are_measured() -> None:
    outcome = run(broken(AssertionError("granted 201 of 200")), bench(row(ours=1)))

    assert not outcome.passed
    assert outcome.failures == ["bench_broken: AssertionError: granted 201 of 200"]
    assert len(outcome.rows) == 1


def test_only_what_is_asked_for_is_loaded_and_shown() -> None:
    both = bench(row(ours=1), row(ours=11, bar="P8"), bars=("P7", "P8"))
    other = Bench("bench_other", ("P9",), broken(PeerMissing("fastify")).load)

    outcome = run(both, other)

    assert outcome.passed
    assert [one.bar for one in outcome.rows] == ["P7"]


def test_a_bench_that_leaves_out_one_of_its_bars_fails_the_run() -> None:
    outcome = run(bench(row(ours=1), bars=("P7", "P8")), only="P7,P8")

    assert outcome.failures == ["bench_made: nothing was measured for P8"]


def test_the_middle_round_counts_and_the_widest_side_is_the_spread() -> None:
    one = Row("P1", "x", "us", (1, 2, 9), (8, 8, 8), sense="at least", limit=4)

    assert one.passed
    assert one.ratio == 4
    assert one.spread == 4


def test_a_bar_without_a_peer_is_held_against_the_figure_itself() -> None:
    one = Row("P8", "worker", "MB", (101.0,), (), sense="at most", limit=100)

    assert not one.passed


def test_a_bench_whose_peer_is_not_installed_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path.parent)
    source = 'import no_such_peer\nBARS: Final = ("P7",)\n'
    (one,) = in_folder(tmp_path, source)

    outcome = run(one)

    assert one.bars == ("P7",)
    assert not outcome.passed
    assert "peer not found: no_such_peer" in outcome.text()


def test_a_bench_without_its_bars_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"bench_one.py has no BARS"):
        in_folder(tmp_path, "import os\n")


def test_the_file_beside_the_table_holds_every_round(tmp_path: Path) -> None:
    outcome = run(bench(row(ours=11)), broken(PeerMissing("fastify")))

    kept = json.loads(outcome.keep(tmp_path / "results").read_text("utf-8"))

    assert kept["passed"] is False
    assert kept["rows"][0]["ours"] == [11]
    assert kept["failures"] == ["bench_broken: peer not found: fastify"]


def test_asking_for_a_bar_that_is_not_built_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "P7,P99"])

    assert ended.value.code == 2
    assert "not built: P99" in capsys.readouterr().err
