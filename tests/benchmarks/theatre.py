"""`outreach worker` itself, over PostgreSQL, Valkey and a provider on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen
from tests.adapters.postgres_load import TENANT, as_admin, fill
from tests.benchmarks.stage import Stage

from outreach.domain.ids import account_id
from outreach.entrypoints.sandbox import Sandbox

__all__ = ["Theatre", "open_provider"]

_COMMAND: Final = "from outreach.entrypoints.cli import main; main()"
_HOME: Final = """
UPDATE provider_accounts SET id = %(account)s;
UPDATE senders SET account_id = %(account)s;
UPDATE lanes SET account_id = %(account)s
"""


@frozen
class Theatre:
    """Where workers can be looked at."""

    stage: Stage
    provider: Sandbox

    @contextmanager
    def world(self, lanes: int, *, messages: int) -> Iterator[str]:
        """A database whose lanes wait with so many messages each; its URL."""
        url = self.stage.new_database()
        self.stage.empty_redis()
        fill(url, leads=lanes * messages, lanes=lanes)
        home = account_id(TENANT, "timelinesai", "default")
        with as_admin(url) as admin:
            admin.execute("SET session_replication_role = replica")
            for statement in _HOME.split(";"):
                admin.execute(statement.encode(), {"account": home})
        try:
            yield url
        finally:
            self.stage.drop(url)

    @contextmanager
    def workers(
        self, url: str, count: int, *, redis_url: str = ""
    ) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
        """So many workers of a world; what they said goes with a failure."""
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OUTREACH_DATABASE_URL": url,
            "OUTREACH_REDIS_URL": redis_url or self.stage.redis_url,
            "OUTREACH_TENANT_NAME": "load",
            "OUTREACH_TIMELINESAI_API_KEY": self.provider.token,
            "OUTREACH_TIMELINESAI_BASE_URL": self.provider.base_url,
        }
        command = (sys.executable, "-c", _COMMAND, "worker")
        with ExitStack() as stack, tempfile.TemporaryFile() as said:
            processes = []
            for _ in range(count):
                process = subprocess.Popen(command, env=env, cwd="/", stderr=said)
                stack.callback(process.wait)
                stack.callback(process.terminate)
                processes.append(process)
            try:
                yield processes
            except RuntimeError as error:
                said.seek(0)
                error.add_note(said.read().decode())
                raise


@contextmanager
def open_provider(*, lanes: int, speed: float) -> Iterator[Sandbox]:
    """A provider that knows the phones of so many lanes."""
    phones = [f"+4074{number:07}" for number in range(1, lanes + 1)]
    with (
        tempfile.TemporaryDirectory(prefix="outreach-bench-") as folder,
        Sandbox.start(
            Path(folder) / "accepted.jsonl",
            profile="calm",
            speed=speed,
            accounts=phones,
        ) as sandbox,
    ):
        yield sandbox
