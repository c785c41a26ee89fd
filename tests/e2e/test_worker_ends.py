"""How a worker ends: by SIGTERM, by its own alarm, and killed."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve
from tests.e2e.judging import doubles
from tests.e2e.running import until
from tests.e2e.workers import KINDS, Workers, opened_workers

import outreach
from outreach.domain.timing import Timing

PHONES: Final = 4
FENCE_S: Final = 2.0
FENCED: Final = Timing(fence=timedelta(seconds=FENCE_S))
TENTH: Final = evolve(Timing().scaled(0.1), call_budget=timedelta(seconds=3))
LEASE_AND_GRACE_S: Final = (TENTH.lease + TENTH.grace).total_seconds()
BEATS: Final = """
import threading, time
def beat():
    with open({file!r}, "a") as out:
        while True:
            out.write(f"{{time.monotonic()}}\\n")
            out.flush()
            time.sleep(0.002)
threading.Thread(target=beat, daemon=True).start()
"""
BLOCKED: Final = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(100))
"""
STUCK_AT_ARM: Final = """
import asyncio
from outreach.adapters.postgres.intents import PostgresIntents
arm, asked = PostgresIntents.arm, []
async def stuck(self, claim, drafts):
    asked.append(claim)
    if len(asked) <= 2:
        await asyncio.sleep(1000)
    return await arm(self, claim, drafts)
PostgresIntents.arm = stuck
"""


@pytest.fixture
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with opened_workers(request, leads=24, phones=PHONES) as opened:
        yield opened


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_told_to_end_settles_its_calls_and_begins_no_other(
    workers: Workers, kind: str
) -> None:
    workers.box.change(slow=1.0, slow_longest_s=6.0)
    workers.enrolled()

    with workers.clock_runs(speed=60), workers.worker(kind) as worker:
        workers.sent(worker, PHONES)
        under_way = workers.in_hand()
        worker.signal(signal.SIGTERM)
        told = time.monotonic()
        status = worker.status(seconds=30)
        said = worker.err

    accepted = workers.box.accepted()
    outcomes = workers.rows("SELECT outcome FROM attempts")
    assert under_way
    assert status == 0, said
    assert "Traceback" not in said
    assert [line for line in accepted if line["mono"] > told + 0.5] == []
    assert [row["outcome"] for row in outcomes] == ["ACCEPTED"] * len(accepted)
    assert workers.in_hand() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_signal_ends_a_worker_at_once(workers: Workers, kind: str) -> None:
    workers.box.change(stalled=1.0, stall_s=60.0)
    workers.enrolled()

    with workers.worker(kind) as worker:
        until(lambda: len(workers.in_hand()) == PHONES or not worker.runs)
        worker.signal(signal.SIGTERM)
        time.sleep(1)
        waited = worker.runs
        worker.signal(signal.SIGTERM)
        status = worker.status(seconds=3)
        said = worker.err

    assert waited
    assert status == 1
    assert said.splitlines()[-1].startswith("outreach: ended without waiting")


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_was_stopped_too_long_runs_no_other_instruction(
    workers: Workers, kind: str
) -> None:
    beats = workers.folder / "beats.txt"
    workers.enrolled()

    with workers.worker(
        kind, before=BEATS.format(file=str(beats)), timing=FENCED
    ) as worker:
        workers.sent(worker, PHONES)
        worker.signal(signal.SIGSTOP)
        time.sleep(FENCE_S / 3)
        worker.signal(signal.SIGCONT)
        time.sleep(FENCE_S)
        survived = worker.runs
        worker.signal(signal.SIGSTOP)
        workers.turn_clock("2026-03-03 07:10+00")
        time.sleep(FENCE_S * 1.2)
        before = last_beat(beats)
        worker.signal(signal.SIGCONT)
        status = worker.status(seconds=5)

    assert survived
    assert status == -signal.SIGALRM
    assert last_beat(beats) == before
    assert len(workers.box.accepted()) == PHONES


def last_beat(file: Path) -> str:
    return file.read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_whose_event_loop_is_blocked_is_ended_by_its_alarm(
    workers: Workers, kind: str
) -> None:
    workers.enrolled()

    with workers.worker(kind, before=BLOCKED, timing=FENCED) as worker:
        workers.sent(worker, PHONES)
        worker.signal(signal.SIGUSR1)
        status = worker.status(seconds=FENCE_S * 3)

    assert status == -signal.SIGALRM


def test_nothing_but_the_two_commands_of_a_worker_arms_an_alarm() -> None:
    source = Path(outreach.__file__).parent
    armed = {
        str(file.relative_to(source))
        for file in source.rglob("*.py")
        if re.search(r"\bfenced?\(|setitimer|SIGALRM", file.read_text("utf-8"))
    }

    assert armed == {"entrypoints/worker.py", "entrypoints/cli/worker.py"}


def test_others_go_on_with_the_lanes_of_a_killed_worker(workers: Workers) -> None:
    workers.box.change(slow=1.0, slow_longest_s=5.0)
    workers.enrolled()

    with workers.worker("outreach", before=STUCK_AT_ARM, timing=TENTH) as dying:
        until(lambda: len(workers.box.accepted()) == PHONES - 2 or not dying.runs)
        in_hand = workers.in_hand()
        calling = [lane for lane in in_hand if lane["calling"] is not None]
        dying.kill()
    killed = time.monotonic()
    workers.box.change(slow=0.0)
    with (
        workers.clock_runs(speed=60),
        workers.worker("arq", timing=TENTH) as heir,
    ):
        until(lambda: doubted(workers) >= len(calling) or not heir.runs)
        until(lambda: len(senders_after(workers, killed)) == PHONES or not heir.runs)
        assert heir.runs, heir.err
        went_on = time.monotonic() - killed
        until(lambda: not unknown(workers) or not heir.runs)
        heir.signal(signal.SIGTERM)
        status = heir.status(seconds=30)

    accepted = workers.box.accepted()
    outcomes = workers.rows("SELECT outcome FROM attempts")
    assert len(in_hand) == PHONES
    assert 0 < len(calling) <= 2
    assert went_on < LEASE_AND_GRACE_S + 5
    assert status == 0
    assert doubles(accepted) == []
    assert [row["outcome"] for row in outcomes] == ["ACCEPTED"] * len(accepted)


def senders_after(workers: Workers, moment: float) -> set[str]:
    return {one["from"] for one in workers.box.accepted() if one["mono"] > moment}


def unknown(workers: Workers) -> list[object]:
    return list(workers.rows("SELECT id FROM attempts WHERE outcome = 'UNKNOWN'"))


def doubted(workers: Workers) -> int:
    """Attempts that were UNKNOWN at some time."""
    (row,) = workers.rows(
        "SELECT count(*) AS n FROM attempts WHERE give_up_at IS NOT NULL"
    )
    count: int = row["n"]
    return count
