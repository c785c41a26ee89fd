"""Calling ``outreach``: in this process where that is enough, else as a process."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from attrs import field, frozen
from click.testing import CliRunner

from outreach.entrypoints.cli.program import program

__all__ = ["CommandLine", "Said", "command_line", "spawn"]


@frozen
class Said:
    """What a call printed, and its exit status."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON; the call must have succeeded."""
        assert self.status == 0, self.err
        return json.loads(self.out)


@frozen
class CommandLine:
    """Calls of one test, with these settings and no others."""

    env: Mapping[str, str] = field(factory=dict)

    def __call__(self, *args: object, **env: str) -> Said:
        """Call in this process; no exception may escape but the exit."""
        settings: dict[str, str | None] = dict.fromkeys(_settings())
        result = CliRunner().invoke(
            program,
            [str(arg) for arg in args],
            prog_name="outreach",
            env={**settings, **self.env, **env},
            catch_exceptions=False,
        )
        return Said(result.exit_code, result.stdout, result.stderr)


@contextmanager
def command_line(**env: str) -> Iterator[CommandLine]:
    """Calls with these settings; the logs of this process are as before afterwards."""
    handlers = list(logging.root.handlers)
    try:
        yield CommandLine(env)
    finally:
        structlog.reset_defaults()
        for handler in list(logging.root.handlers):
            if handler not in handlers:
                logging.root.removeHandler(handler)


def spawn(
    *args: object,
    env: Mapping[str, str],
    before: str = "",
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[str]:
    """Start a process of its own.

    Args:
        args: of the command.
        env: settings.
        before: Python to run first, in that process.
        stdin: a file descriptor, such as a terminal's.
    """
    code = f"{before}\nfrom outreach.entrypoints.cli import main\nmain()"
    inherited = {k: v for k, v in os.environ.items() if k not in _settings()}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=Path(__file__).parents[2],  # where no settings file lies
        env={**inherited, **env},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _settings() -> list[str]:
    return [name for name in os.environ if name.startswith("OUTREACH_")]
