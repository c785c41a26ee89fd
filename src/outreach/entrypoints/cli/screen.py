"""What people see: harmless text, tables that fit, and signs of life.

Data goes to standard output and everything else to standard error. What leads wrote
is escaped, so that it can neither colour, move nor rewrite a terminal.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from typing import Any, Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from attrs import define, field
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.status import Status
from rich.table import Table
from rich.text import Text

__all__ = [
    "Meter",
    "as_json",
    "complain",
    "local",
    "note",
    "patience",
    "print_json",
    "safe",
    "safe_lines",
    "say",
    "spinner",
    "table",
]

_SILENT_S: Final = 2.0
"""Longer work shows that it goes on."""
_LINE_EVERY_S: Final = 5.0
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_JOINER: Final = "\u200d"  # holds the parts of an emoji together


def safe(text: str) -> str:
    r"""*text* in one line, with everything that is no visible character escaped.

    >>> safe("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(_harmless(char) for char in text)


def _harmless(char: str) -> str:
    if char.isprintable() or char == _JOINER:
        return char
    if unicodedata.category(char) not in _HARMFUL:
        return char
    return char.encode("unicode_escape").decode("ascii")


def safe_lines(text: str) -> str:
    """The same, keeping its lines apart."""
    return "\n".join(safe(line) for line in text.splitlines())


def complain(message: str) -> None:
    """One line on standard error."""
    click.echo(f"outreach: {safe_lines(message)}", err=True)


def note(message: str) -> None:
    """One line of progress on standard error."""
    click.echo(safe_lines(message), err=True)


def say(*lines: str, style: str = "") -> None:
    """Lines on standard output."""
    for line in lines:
        _console(sys.stdout).print(Text(safe_lines(line), style=style))


def _console(file: Any) -> Console:
    return Console(file=file, markup=False, emoji=False, highlight=False)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """A table on standard output; numbers stand right, long text is folded.

    Without rows it is one line. A column whose name begins with ``#`` holds numbers.
    """
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    for name in columns:
        numbers = name.startswith("#")
        made.add_column(
            name.removeprefix("#"),
            justify="right" if numbers else "left",
            overflow="fold",
            no_wrap=numbers,
        )
    for row in rows:
        made.add_row(*[Text(safe(str(cell))) for cell in row])
    if made.row_count:
        _console(sys.stdout).print(made)
    else:
        say(f"{title}: none")


def print_json(data: object) -> None:
    """For programs, in ASCII, so that no terminal and no encoding minds."""
    click.echo(as_json(data))


def as_json(data: object) -> str:
    """Times as ISO 8601, ids as text, enumerations as their names."""
    return json.dumps(data, indent=2, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Enum):
        return str(value)
    message = f"{type(value).__name__} has no form in JSON"
    raise TypeError(message)


def local(at: datetime | None, zone: str) -> str:
    """A time for people, such as ``Thu 5 Mar 09:00``; ``-`` for none."""
    if at is None:
        return "-"
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b %H:%M}"


def spinner(doing: str) -> Status:
    """Something that turns, on standard error; a context manager."""
    return _console(sys.stderr).status(Text(safe(doing)))


@contextmanager
def patience(doing: str) -> Iterator[None]:
    """Say what goes on if it takes longer than two seconds."""
    status = spinner(f"{doing} ...")
    over = threading.Lock()

    def show() -> None:
        with over:
            if not timer.finished.is_set():
                if status.console.is_terminal:
                    status.start()
                else:
                    note(f"{doing} ...")

    timer = threading.Timer(_SILENT_S, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with over:
            timer.cancel()
        status.stop()


@define
class Meter:
    """How far long work is: a bar on a terminal, else a line every few seconds.

    Attributes:
        doing: such as ``importing leads.csv``.
    """

    doing: str
    _began: float = field(factory=time.monotonic, init=False)
    _told: float = field(default=0.0, init=False)
    _bar: Progress | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """*done* of *total*, in any unit."""
        now = time.monotonic()
        if now - self._began < _SILENT_S:
            return
        console = _console(sys.stderr)
        if not console.is_terminal:
            if now - self._told >= _LINE_EVERY_S:
                self._told = now
                note(f"{self.doing}: {done / max(total, 1):.0%}")
            return
        if self._bar is None:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )
            self._bar.add_task(safe(self.doing), total=total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)
