"""The files of a sandbox: what it accepted, what else happened, what it must keep.

FILE holds one JSON line per accepted message, written before the answer; it is
what a run is judged by. FILE.events.jsonl holds faults, replies and webhooks.
FILE.state.json holds the token, the registered webhooks and the accounts.
A line is one write to a file opened for appending: a killed process leaves whole
lines, but for at most a torn last one, which the next start cuts off (a message
whose line is torn was never answered, so it was not accepted).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["Busy", "Journal", "Json", "iso", "moment", "read_lines"]

Json = dict[str, Any]

_LOCK_PATIENCE_S: Final = 10.0
_LOCK_STEP_S: Final = 0.05


class Busy(RuntimeError):
    """Another sandbox writes the same files."""


def iso(at_s: float) -> str:
    """Write a time of the machine's clock in UTC, with microseconds."""
    at = dt.datetime.fromtimestamp(at_s, dt.UTC)
    return at.isoformat(timespec="microseconds")


def moment(text: str) -> float:
    """Read a time that `iso` wrote."""
    return dt.datetime.fromisoformat(text).timestamp()


def read_lines(path: Path) -> list[Json]:
    """Read the whole lines of a log; a torn last one is left out."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.split(b"\n") if line]


class Journal:
    """The open files. One process at a time; `close` lets the next one in."""

    def __init__(self, log: Path) -> None:
        """Open or make the files beside `log`.

        Raises Busy if another sandbox still has them after 10 s.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.events_log = log.with_name(f"{log.name}.events.jsonl")
        self.state_file = log.with_name(f"{log.name}.state.json")
        self._log = _open(log)
        try:
            _lock(self._log, log)
        except Busy:
            os.close(self._log)
            raise
        self._events = _open(self.events_log)
        for descriptor in (self._log, self._events):
            _cut_torn_line(descriptor)

    def close(self) -> None:
        os.close(self._events)
        os.close(self._log)

    def accept(self, line: Mapping[str, object]) -> None:
        """Append an accepted message."""
        _append(self._log, line)

    def note(self, kind: str, **fields: object) -> Json:
        """Append an event with the time of both clocks, and give the line."""
        now = {"at": iso(time.time()), "mono": time.monotonic()}
        line = {"kind": kind, **now, **fields}
        _append(self._events, line)
        return line

    def state(self) -> Json:
        """Read what the last process kept; empty for a new log."""
        with contextlib.suppress(FileNotFoundError):
            kept: Json = json.loads(self.state_file.read_bytes())
            return kept
        return {}

    def keep(self, state: Mapping[str, object]) -> None:
        """Replace the state at once, never by halves."""
        fresh = self.state_file.with_name(f"{self.state_file.name}.new")
        fresh.write_bytes(_encode(state))
        fresh.replace(self.state_file)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                message = (
                    f"{path} is in use by another sandbox: stop it, or name another"
                )
                raise Busy(message) from error
            time.sleep(_LOCK_STEP_S)
        else:
            return


def _cut_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, size, 0)
    whole = content.rfind(b"\n") + 1
    if whole < size:
        os.ftruncate(descriptor, whole)


def _encode(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _append(descriptor: int, line: Mapping[str, object]) -> None:
    content = _encode(line) + b"\n"
    written = os.write(descriptor, content)
    if written != len(content):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
        message = f"wrote {written} of {len(content)} bytes: is the disk full?"
        raise OSError(message)
