"""`outreach` as a process group of its own: started, watched, killed, read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from attrs import define, field
from psycopg.rows import dict_row
from tests.servers import open_folder

from outreach.entrypoints.embedded import Servers, discard, start
from outreach.entrypoints.sandbox.journal import read_lines

__all__ = ["Home", "Process", "opened_home", "outreach", "rows", "until"]

_CODE: Final = "from outreach.entrypoints.cli import main; main()"
_PATIENCE_S: Final = 120.0


def until(holds: Callable[[], Any], *, seconds: float = _PATIENCE_S) -> Any:
    """Wait for what *holds* answers to be true, and give it."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.005)
    return found


def clean(env: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, with these settings of ours and no others."""
    return {k: v for k, v in os.environ.items() if not k.startswith("OUTREACH_")} | {
        "OUTREACH_WEB_PORT": "0",
        **env,
    }


@define(eq=False)
class Process:
    """A command that runs, with all that it starts, in a session of its own."""

    popen: subprocess.Popen[str]
    out_file: Path
    err_file: Path

    @property
    def out(self) -> str:
        return self.out_file.read_text(encoding="utf-8", errors="replace")

    @property
    def err(self) -> str:
        return self.err_file.read_text(encoding="utf-8", errors="replace")

    @property
    def runs(self) -> bool:
        return self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """To the first process alone."""
        self.popen.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to all of it at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def status(self, *, seconds: float = _PATIENCE_S) -> int:
        """Wait for its end."""
        return self.popen.wait(seconds)


@contextmanager
def outreach(
    *args: object, words: Path, env: Mapping[str, str], command: list[str] | None = None
) -> Iterator[Process]:
    """Start it; killed in the end, should it still run.

    Args:
        args: of the command.
        words: a folder for what it prints.
        env: settings.
        command: instead of `outreach` itself.
    """
    program = command or [sys.executable, "-c", _CODE]
    out_file, err_file = words / "out.txt", words / "err.txt"
    with out_file.open("w") as out, err_file.open("w") as err:
        popen = subprocess.Popen(
            [*program, *map(str, args)],
            env=clean(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            text=True,
            start_new_session=True,
        )
    process = Process(popen, out_file, err_file)
    try:
        yield process
    finally:
        process.kill()


@define(eq=False)
class Home:
    """A data folder with its servers, which stay up between runs."""

    folder: Path
    servers: Servers = field(repr=False)

    @property
    def accepted_file(self) -> Path:
        return self.folder / "sandbox" / "accepted.jsonl"

    def accepted(self) -> list[dict[str, Any]]:
        """What the provider on loopback accepted so far."""
        return read_lines(self.accepted_file)

    def happened(self) -> list[dict[str, Any]]:
        """What else that provider noted: faults, replies, webhooks."""
        name = f"{self.accepted_file.name}.events.jsonl"
        return read_lines(self.accepted_file.with_name(name))

    def has_sent(self, least: int, run: Process) -> None:
        """Wait until so many messages were accepted; the run must still go on."""
        until(lambda: len(self.accepted()) >= least or not run.runs)
        assert run.runs, run.err

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Ask the database, as its superuser, whom no policy binds."""
        return rows(self.servers.postgres_url, query)

    @property
    def log(self) -> str:
        """What the run itself logged."""
        file = self.folder / "outreach.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @contextmanager
    def run(self, *args: object, **env: str) -> Iterator[Process]:
        """`outreach run` on this folder."""
        settings = {"OUTREACH_DATA_DIR": str(self.folder), **env}
        with outreach("run", *args, words=self.folder.parent, env=settings) as process:
            yield process

    def audit(self) -> list[dict[str, Any]]:
        """Breaches that `outreach audit` finds in what the runs left."""
        settings = {"OUTREACH_DATA_DIR": str(self.folder)}
        words = self.folder.parent
        with outreach("audit", "--json", words=words, env=settings) as process:
            assert process.status() in {0, 1}, process.err
            found: list[dict[str, Any]] = json.loads(process.out)["breaches"]
        return found


def rows(url: str, query: str) -> list[dict[str, Any]]:
    """Ask a database."""
    with psycopg.connect(url, options="-c search_path=outreach") as connection:
        return (
            connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()
        )


@contextmanager
def opened_home() -> Iterator[Home]:
    """A new data folder; emptied and stopped afterwards."""
    with open_folder() as parent:
        folder = parent / "data"
        try:
            with start(folder / "servers", durable=True) as servers:
                yield Home(folder, servers)
        finally:
            discard(folder / "servers")


def has_come(home: Home, run: Process, count: int) -> bool:
    """So many messages were accepted, or the run has ended before."""
    return len(home.accepted()) >= count or not run.runs
