"""A run that is killed and started again goes on, and repeats nothing."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from tests.e2e.campaign_files import step_of, write_campaign
from tests.e2e.judging import (
    SENDS,
    doubles,
    new_per_day,
    outside_window,
    too_close,
    uses,
)
from tests.e2e.running import has_come, opened_home, until

SEED: Final = 20260303
SPEED: Final = 6000
GAP_S: Final = 30
SERVERS: Final = ("postgres/postmaster.pid", "redis/redis.pid")


def kill_servers(folder: Path) -> None:
    for name in SERVERS:
        first, *_ = (folder / "servers" / name).read_text().split("\n")
        os.kill(int(first), signal.SIGKILL)


def test_a_run_killed_three_times_goes_on_and_repeats_nothing() -> None:
    rng = Random(SEED)
    counts = [0]
    with opened_home() as home:
        words = home.folder.parent
        files = write_campaign(
            words, leads=60, phones=4, limit=12, follow_up_minutes=120
        )
        asked = (
            *files.options,
            *("--speed", SPEED, "--json", words / "summary.json"),
            *("--from", "2026-03-03T09:00", "--until", "2026-03-03T18:00"),
            *("--knob", "sure_by=40"),
        )

        for turn in range(3):
            enough = counts[-1] + rng.randint(4, 16)
            with home.run(*asked) as run:
                until(partial(has_come, home, run, enough))
                time.sleep(rng.uniform(0, 0.03))
                run.kill()
                if turn == 2:
                    kill_servers(home.folder)
            counts.append(len(home.accepted()))
        with home.run(*asked) as run:
            status = run.status()
            said = run.err
        accepted = home.accepted()
        sends = home.rows(SENDS)
        summary = json.loads((words / "summary.json").read_text())
        hourly = home.rows("SELECT count(*) AS made FROM audits WHERE made_by = 'duty'")
        held = home.rows("SELECT held_why FROM instance WHERE held_on IS NOT NULL")
        breaches = home.audit()

    assert status == 0, said
    assert all(before < after for before, after in pairwise([*counts, len(accepted)]))
    assert (breaches, held) == ([], [])
    assert hourly[0]["made"] >= 9
    assert doubles(accepted) == []
    assert too_close(accepted, GAP_S / SPEED) == []
    assert outside_window(sends) == []
    assert max(new_per_day(accepted, sends).values()) <= files.limit
    steps = Counter(step_of(line) for line in accepted)
    assert steps[1] >= len(files.phones) * files.limit - summary["unknown"]
    assert steps[2] > 10
    used = uses(accepted)
    assert summary["sent"] == {"WHATSAPP": len(accepted)}
    assert [(p["phone"], p["new"], p["followups"]) for p in summary["phones"]] == [
        (phone, used[phone].new, used[phone].followups)
        for phone in sorted(files.phones)
    ]
    assert (summary["imported"], summary["unchanged"]) == (0, len(files.numbers))
