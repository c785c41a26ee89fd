"""Worker processes over stores and a provider of their own, and a clock that runs."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from attrs import define, field
from tests.e2e.campaign_files import CampaignFiles, write_campaign
from tests.e2e.command_line import CommandLine, command_line
from tests.e2e.running import Process, outreach, rows, until

from outreach.domain.timing import Timing
from outreach.entrypoints.sandbox import Sandbox

__all__ = ["KINDS", "TUESDAY", "Workers", "opened_workers"]

KINDS: Final = ("arq", "outreach")
"""The two commands that start a worker."""
TUESDAY: Final = "2026-03-03 07:00+00"
_MAIN: Final = {
    "arq": "import sys; from arq.cli import cli; "
    "sys.argv = ['arq', 'outreach.entrypoints.worker.WorkerSettings']; cli()",
    "outreach": "import sys; from outreach.entrypoints.cli import main; "
    "sys.argv = ['outreach', 'worker']; main()",
}
DEFAULT: Final = Timing()
_TICK_S: Final = 0.02


@define(eq=False)
class Workers:
    """Everything that a worker needs, and the workers.

    Attributes:
        call: the command line, over the same stores.
    """

    folder: Path
    env: dict[str, str]
    box: Sandbox
    files: CampaignFiles
    call: CommandLine
    _started: int = field(default=0, init=False)

    @contextlib.contextmanager
    def worker(
        self, kind: str, *, before: str = "", timing: Timing = DEFAULT
    ) -> Iterator[Process]:
        """A worker of one kind.

        Args:
            before: Python to run first, in that process.
            timing: instead of the durations that are built in.
        """
        self._started += 1
        words = self.folder / f"worker-{self._started}"
        words.mkdir()
        scaled = (
            "import datetime\n"
            "from outreach.domain.timing import Timing\n"
            "from outreach.entrypoints.container import Container\n"
            f"Container.timing.override({timing!r})\n"
        )
        code = f"{scaled}\n{before}\n{_MAIN[kind]}"
        with outreach(
            words=words, env=self.env, command=[sys.executable, "-c", code]
        ) as process:
            yield process

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Ask the database, as its superuser."""
        return rows(self.env["OUTREACH_DATABASE_URL"], query)

    def sent(self, worker: Process, least: int) -> None:
        """Wait until so many messages were accepted; the worker must still go on."""
        until(lambda: len(self.box.accepted()) >= least or not worker.runs)
        assert worker.runs, worker.err

    def owners(self) -> set[str]:
        """Workers that have a lane in hand just now."""
        found = self.rows("SELECT DISTINCT owner FROM lanes WHERE owner IS NOT NULL")
        return {row["owner"] for row in found}

    def in_hand(self) -> list[dict[str, Any]]:
        """Lanes that somebody has, with or without a call under way."""
        return self.rows("SELECT id, owner, calling FROM lanes WHERE owner IS NOT NULL")

    def enrolled(self) -> None:
        """Import everything; engine time stands on a Tuesday at nine."""
        self.turn_clock(TUESDAY)
        assert self.call("phones", "import", self.files.senders).status == 0
        assert self.call("leads", "import", self.files.leads).status == 0
        enrolled = self.call("enroll", "--sequence", self.files.sequence)
        assert enrolled.status == 0, enrolled.err

    def turn_clock(self, to: str, *, speed: float = 1.0) -> None:
        """Put engine time where it stays until it is turned again."""
        self._execute(
            "UPDATE outreach.engine_clock SET position = %s::timestamptz, speed = %s",
            (to, speed),
        )

    @contextlib.contextmanager
    def clock_runs(self, *, speed: float) -> Iterator[None]:
        """Engine time goes on by itself while this is entered."""
        self._execute("UPDATE outreach.engine_clock SET speed = %s", (speed,))
        over = threading.Event()

        def run() -> None:
            url = self.env["OUTREACH_DATABASE_URL"]
            with psycopg.connect(url, autocommit=True) as connection:
                last = time.monotonic()
                while not over.wait(_TICK_S):
                    now = time.monotonic()
                    connection.execute(
                        "UPDATE outreach.engine_clock"
                        " SET position = position + make_interval(secs => %s)",
                        ((now - last) * speed,),
                    )
                    last = now

        ticking = threading.Thread(target=run)
        ticking.start()
        try:
            yield
        finally:
            over.set()
            ticking.join()

    def _execute(self, statement: str, arguments: tuple[Any, ...]) -> None:
        with psycopg.connect(self.env["OUTREACH_DATABASE_URL"]) as connection:
            connection.execute(statement.encode(), arguments)


@contextlib.contextmanager
def opened_workers(
    request: pytest.FixtureRequest,
    *,
    leads: int,
    phones: int,
    limit: int = 200,
    **knobs: object,
) -> Iterator[Workers]:
    """Stores that are migrated and empty, a calm provider, and a campaign's files."""
    folder = request.getfixturevalue("tmp_path")
    files = write_campaign(
        folder, leads=leads, phones=phones, limit=limit, follow_up_minutes=60
    )
    with (
        Sandbox.start(
            folder / "accepted.jsonl",
            profile="calm",
            accounts=files.phones,
            knobs={"webhook_jitter_engine_s": 0, **knobs},
        ) as box,
        contextlib.ExitStack() as stack,
    ):
        env = {
            "OUTREACH_DATABASE_URL": request.getfixturevalue("fresh_postgres_url"),
            "OUTREACH_REDIS_URL": request.getfixturevalue("empty_redis_url"),
            "OUTREACH_DATA_DIR": str(folder / "data"),
            "OUTREACH_TIMELINESAI_API_KEY": box.token,
            "OUTREACH_TIMELINESAI_BASE_URL": box.base_url,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        stored = {k: v for k, v in env.items() if k.startswith("OUTREACH_")}
        call = stack.enter_context(command_line(**stored))
        yield Workers(folder, env, box, files, call)
