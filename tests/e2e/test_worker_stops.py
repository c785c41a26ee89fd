"""A stop, a resume and an opt-out, over two workers: the provider's log judges."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
from tests.e2e.judging import doubles
from tests.e2e.running import until
from tests.e2e.workers import KINDS, Workers, opened_workers

SPEED: Final = 200
"""So a phone sends about twice a second."""
WITHIN_S: Final = 1.0
HEARD_S: Final = 5.0
"""Of a resume; nothing is due at once, and the machine may be busy. One that no bell
told of would be heard after up to a minute.
"""


@pytest.fixture
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with opened_workers(request, leads=400, phones=8) as opened:
        opened.enrolled()
        with ExitStack() as stack:
            stack.enter_context(opened.clock_runs(speed=SPEED))
            for kind in KINDS:
                stack.enter_context(opened.worker(kind))
            both_work(opened)
            yield opened


def both_work(workers: Workers) -> None:
    seen: set[str] = set()

    def both() -> bool:
        seen.update(workers.owners())
        return len(seen) == 2

    until(both)
    until(lambda: len(workers.box.accepted()) > 10)


def since(workers: Workers, moment: float) -> list[dict[str, Any]]:
    return [line for line in workers.box.accepted() if line["mono"] > moment]


def done(workers: Workers, *command: str) -> float:
    """When it had returned."""
    said = workers.call(*command)
    assert said.status == 0, said.err
    return time.monotonic()


def test_a_stop_stops_every_worker_within_a_second_and_a_resume_is_heard_by_them(
    workers: Workers,
) -> None:
    asked = time.monotonic()
    stopped = done(workers, "stop", "--reason", "wrong price")
    time.sleep(3)
    before, after = since(workers, asked - 1), since(workers, stopped + WITHIN_S)
    asked_to_resume = time.monotonic()
    resumed = done(workers, "resume", "--reason", "price corrected")
    until(lambda: since(workers, asked_to_resume))
    (first, *_) = since(workers, asked_to_resume)
    until(lambda: len(workers.owners()) == 2)

    assert before
    assert after == []
    assert first["mono"] - resumed < HEARD_S
    assert doubles(workers.box.accepted()) == []
    outcomes = workers.rows("SELECT DISTINCT outcome FROM attempts")
    assert {row["outcome"] for row in outcomes} <= {"ACCEPTED", "CALLING"}


def test_an_opt_out_is_heeded_by_every_worker_within_a_second(
    workers: Workers,
) -> None:
    out = workers.files.numbers[::2]
    file = workers.folder / "out.txt"
    file.write_text("\n".join(out), encoding="utf-8")

    suppressed = done(workers, "suppress", "--file", str(file))
    until(lambda: len(since(workers, suppressed)) > 40)

    written = {line["to"] for line in since(workers, suppressed + WITHIN_S)}
    assert written
    assert written & set(out) == set()
    assert {line["to"] for line in workers.box.accepted()} & set(out)
