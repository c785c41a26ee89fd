"""A Redis that forgets everything in the middle of a run costs nothing but time."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast

import redis
from tests.e2e.campaign_files import write_campaign
from tests.e2e.judging import SENDS, doubles, new_per_day, too_close, uses
from tests.e2e.running import has_come, opened_home, until

SPEED: Final = 6000
GAP_S: Final = 30
FLUSHES: Final = 5
STEP: Final = 8
"""Accepted messages from one FLUSHALL to the next."""
JOBS: Final = "arq:job:"


@contextmanager
def watched(url: str) -> Iterator[list[dict[str, Any]]]:
    """Every job that is put into the queue meanwhile, as the server is told of it."""
    jobs: list[dict[str, Any]] = []
    with redis.Redis.from_url(url) as client, client.monitor() as monitor:

        def listen() -> None:
            for told in monitor.listen():
                words = told["command"].split(" ", 3)
                if words[0].upper() == "ECHO":
                    return
                if words[0].upper() in {"SET", "SETEX", "PSETEX"} and words[
                    1
                ].startswith(JOBS):
                    start = told["command"].index("{")
                    jobs.append(
                        json.JSONDecoder().raw_decode(told["command"], start)[0]
                    )

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield jobs
        finally:
            with redis.Redis.from_url(url) as other:
                other.echo("enough")
            listener.join()


def reserved(store: redis.Redis) -> dict[str, int]:
    """Per phone how many reservations its only day holds."""
    names = [bytes(name).decode() for name in store.scan_iter("quota:wa:*")]
    return {
        name.split("{")[1].split("}")[0]: cast("int", store.hlen(name)) - 1
        for name in names
    }


def test_a_guard_flushed_in_the_middle_lets_no_limit_pass_and_loses_nothing() -> None:
    with opened_home() as home:
        words = home.folder.parent
        files = write_campaign(
            words, leads=60, phones=4, limit=12, follow_up_minutes=120
        )
        url = home.servers.redis_url
        with (
            watched(url) as jobs,
            redis.Redis.from_url(url) as store,
            home.run(
                *files.options,
                *("--speed", SPEED, "--json", words / "summary.json"),
                *("--from", "2026-03-03T09:00", "--until", "2026-03-03T18:00"),
                *("--knob", "sure_by=40"),
            ) as run,
        ):
            for turn in range(1, FLUSHES + 1):
                until(partial(has_come, home, run, turn * STEP))
                assert run.runs, run.err
                store.flushall()
            status = run.status()
            said = run.err
            guarded = reserved(store)
        accepted = home.accepted()
        sends = home.rows(SENDS)
        units = home.rows("SELECT phone_id, used FROM wa_quota_usage")
        overdue = home.rows(
            """
            -- A new contact whose unit went to a follow-up after an unknown outcome
            -- waits for the phone's next day: its lane says so.
            SELECT i.id, i.due_at FROM intents i JOIN lanes l ON l.id = i.lane_id
              JOIN engine_clock c ON i.due_at < c.position - interval '1 hour'
             WHERE i.status = 'WAITING'
               AND NOT (i.send_class = 3 AND l.new_gate_at > c.position)
            """
        )
        summary = json.loads((words / "summary.json").read_text())

    assert status == 0, said
    assert guarded
    assert guarded.items() <= {str(u["phone_id"]): u["used"] for u in units}.items()
    assert [unit["used"] for unit in units] == [files.limit] * len(files.phones)
    assert max(new_per_day(accepted, sends).values()) <= files.limit
    assert overdue == []
    assert doubles(accepted) == []
    assert too_close(accepted, GAP_S / SPEED) == []
    assert sum(use.followups for use in uses(accepted).values()) > 10
    assert summary["sent"] == {"WHATSAPP": len(accepted)}
    assert len(jobs) > 1
    assert Counter((job["f"], str(job["a"]), str(job["k"])) for job in jobs).keys() <= {
        ("look", "[]", "{}"),
        ("cron:look", "[]", "{}"),
    }
