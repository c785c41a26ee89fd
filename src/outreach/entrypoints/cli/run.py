"""``outreach run``."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click
from rich.status import Status
from rich.text import Text

from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.sequence import Override
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.instant import instant
from outreach.entrypoints.cli.options import (
    FILE,
    by_option,
    command,
    override_option,
    words,
)
from outreach.entrypoints.cli.outcome import show
from outreach.entrypoints.cli.screen import as_json, note, safe, spinner
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.run import Ended, RunPlan
from outreach.entrypoints.run import run as run_engine
from outreach.entrypoints.sandbox import NotStarted
from outreach.entrypoints.sandbox.behaviour import BadBehaviour, parse_knob

__all__ = ["run"]

_INTERRUPTED: Final = 130
_STDOUT: Final = "-"
_LOG: Final = "outreach.log"
_TICK: Final = re.compile(r"\w{3} \d\d \w{3} \d\d:\d\d  ")
"""How a line begins that only says how far the run is."""


class _Asked(TypedDict):
    leads: Path | None
    sequence: Path | None
    senders: Path | None
    speed: float | None
    begin: str | None
    until: str | None
    exit_when_idle: bool
    summary: str | None
    override_capacity: str | None
    by: str
    seed: int
    knobs: tuple[str, ...]


@command(
    "run",
    example="""\
outreach run --leads leads.csv --sequence sequence.toml --senders phones.toml
outreach run --leads leads.csv --sequence sequence.toml --senders phones.toml \\
  --speed 1500 --from 2026-03-02 --until 2026-03-03T18:00 --json summary.json""",
)
@click.option("--leads", type=FILE, help="Leads to import first (CSV, JSON lines).")
@click.option("--sequence", type=FILE, help="Sequence with templates to enrol in.")
@click.option("--senders", type=FILE, help="Phones to send from (TOML, CSV).")
@click.option(
    "--speed",
    type=float,
    metavar="N",
    help="Let engine time run N times faster; for providers on this machine only.",
)
@click.option(
    "--from",
    "begin",
    metavar="TIME",
    help="With --speed: engine time to start at, ISO 8601, without an offset in the "
    "tenant's zone; else the next opening of the window.",
)
@click.option("--until", metavar="TIME", help="End at this engine time.")
@click.option(
    "--exit-when-idle",
    is_flag=True,
    help="End when nothing more can go out before the next working day.",
)
@click.option(
    "--json",
    "summary",
    metavar="SUMMARY",
    help="Write the summary to this file as JSON; - is standard output.",
)
@override_option
@by_option
@click.option(
    "--seed", type=int, default=0, help="Of the people invented where nobody is real."
)
@click.option(
    "--knob",
    "knobs",
    multiple=True,
    hidden=True,
    metavar="NAME=VALUE",
    help="How those people and their provider behave; for tests.",
)
@click.pass_obj
def run(given: Given, **asked: Unpack[_Asked]) -> None:
    """Run everything at once: stores, web app, worker and, if no provider has
    credentials, a provider on this machine with people who answer.

    Files are imported first; the same ones again change nothing. What the phones
    cannot keep up with is refused, as by ``outreach enroll``. Ctrl-C ends it
    after the calls under way; started again, it goes on.
    """
    plan = _plan(given, asked)
    summary = asked["summary"]
    if summary not in {None, _STDOUT}:
        _writable(Path(str(summary)))
    log = plan.data_dir / _LOG
    with _logging(log):
        note(f"data in {plan.data_dir}, log in {log}")
        with _telling() as tell:
            ended = _run(given, plan, tell)
    if summary == _STDOUT:
        click.echo(as_json(ended.summary))
    else:
        show(ended, zone=given.settings.tenant.time_zone)
        if summary is not None:
            _write(Path(summary), as_json(ended.summary))
    if ended.interrupted:
        raise click.exceptions.Exit(_INTERRUPTED)


def _plan(given: Given, asked: _Asked) -> RunPlan:
    """Check what can be checked before anything is started."""
    zone = given.settings.tenant.time_zone
    begin = instant(asked["begin"], "--from", zone)
    until = instant(asked["until"], "--until", zone)
    speed = asked["speed"]
    if speed is not None and not (math.isfinite(speed) and speed > 0):
        message = f"{speed} is no speed: give a number above 0, such as 1500"
        raise click.BadParameter(message, param_hint="--speed")
    if begin is not None and speed is None:
        message = "--from needs --speed: real time starts now"
        raise click.UsageError(message)
    if until is not None and asked["exit_when_idle"]:
        message = "--until and --exit-when-idle exclude each other: give one"
        raise click.UsageError(message)
    if begin is not None and until is not None and until <= begin:
        message = f"--until {asked['until']} is not after --from {asked['begin']}"
        raise click.UsageError(message)
    reason = words(asked["override_capacity"], "--override-capacity")
    return RunPlan(
        data_dir=given.data_dir,
        leads=asked["leads"],
        sequence=asked["sequence"],
        senders=asked["senders"],
        speed=speed,
        begin=begin,
        until=until,
        exit_when_idle=asked["exit_when_idle"],
        override=None if reason is None else Override(reason, asked["by"]),
        seed=asked["seed"],
        knobs=_knobs(asked["knobs"]),
    )


def _knobs(texts: Sequence[str]) -> dict[str, Any]:
    knobs: dict[str, Any] = {}
    for text in texts:
        try:
            knobs |= parse_knob(text)
        except BadBehaviour as error:
            raise click.BadParameter(str(error), param_hint="--knob") from error
    return knobs


def _run(given: Given, plan: RunPlan, tell: Callable[[str], None]) -> Ended:
    try:
        return asyncio.run(run_engine(given.settings, plan, tell))
    except NotStarted as error:
        message = f"the provider on this machine did not start: {error}"
        raise Unavailable(message) from error


@contextmanager
def _logging(path: Path) -> Iterator[None]:
    """Have the log written to a file, where it disturbs no progress."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        message = (
            f"the log {path} cannot be written ({error.strerror}): set "
            "OUTREACH_DATA_DIR to a folder of yours"
        )
        raise Misconfigured(message) from error
    with file:
        with contextlib.redirect_stderr(file):
            set_up_logs()
        yield


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """Shows lines of progress; on a terminal one that moves."""
    status: Status = spinner("starting ...")
    if not status.console.is_terminal:
        yield _each_once()
        return

    def tell(line: str) -> None:
        if _TICK.match(line):
            status.update(Text(safe(line)))
        else:
            status.console.print(Text(safe(line)))

    with status:
        yield tell


def _each_once() -> Callable[[str], None]:
    """Notes lines, but for those that repeat the one before."""
    last = ""

    def tell(line: str) -> None:
        nonlocal last
        if line != last:
            note(line)
        last = line

    return tell


def _writable(path: Path) -> None:
    """Find out before a long run, not after it."""
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        message = f"the summary cannot be written to {path}: name another file"
        raise click.BadParameter(message, param_hint="--json")


def _write(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(path)
    note(f"summary in {path}")
