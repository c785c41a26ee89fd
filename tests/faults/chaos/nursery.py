"""Gives birth to processes quickly: imports once, forks at each request.

A worker takes over a second to import and 30 ms to fork, and a run kills hundreds.
Speaks JSON lines over its standard streams. When its parent goes, it kills all it bore.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

__all__ = ["ROLES", "Change", "Nursery"]

ROLES: Final = {
    "worker": "tests.faults.chaos.worker",
    "web": "tests.faults.chaos.web",
    "line": "tests.faults.chaos.line",
    "person": "tests.faults.chaos.person",
}
"""Modules whose ``main`` a child runs, by what it is."""

_ROOT: Final = Path(__file__).parents[3]


@frozen
class Change:
    """What became of a child: it ended or stopped, by which signal (0: none)."""

    pid: int
    stopped: bool
    by: int


@define(eq=False)
class Nursery:
    """The parent's end."""

    _process: subprocess.Popen[str]
    living: set[int] = field(factory=set, init=False)

    @classmethod
    @contextmanager
    def open(cls, log: Path) -> Iterator[Nursery]:
        """Start one; in the end it dies with all of its children."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("OUTREACH_")}
        path = os.pathsep.join([str(_ROOT), *filter(None, sys.path)])
        with (
            log.open("a") as words,
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.chaos.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                cwd=_ROOT,
                env={**env, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
                text=True,
            ) as process,
        ):
            nursery = cls(process)
            try:
                yield nursery
            finally:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(30)

    def bear(self, role: str, options: Mapping[str, Any], log: Path) -> int:
        """Start a child; answers its pid."""
        pid: int = self._ask(role=role, options=options, log=str(log))["pid"]
        self.living.add(pid)
        return pid

    def changes(self) -> list[Change]:
        """What became of children since last asked."""
        changes = [Change(*one) for one in self._ask()["changes"]]
        self.living -= {change.pid for change in changes if not change.stopped}
        return changes

    def empty(self) -> None:
        """Kill every child, and hear of it."""
        for pid in self.living:
            self.signal(pid, signal.SIGKILL)
        while self.living:
            self.changes()
            time.sleep(0.005)

    def signal(self, pid: int, number: signal.Signals) -> None:
        """To a child that may be gone already."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def _ask(self, **question: Any) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(question) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the nursery has died"
        return json.loads(line)


def _serve() -> None:
    mains = {
        role: importlib.import_module(module).main for role, module in ROLES.items()
    }
    _warm_up()
    children: set[int] = set()
    out = os.dup(1)
    os.dup2(2, 1)  # nobody's print is an answer
    try:
        for line in sys.stdin:
            question = json.loads(line)
            if "role" in question:
                pid = os.fork()
                if pid == 0:
                    os.close(out)
                    _live(mains[question["role"]], question)
                children.add(pid)
                answer: Any = {"pid": pid}
            else:
                answer = {"changes": list(_changes(children))}
            os.write(out, json.dumps(answer).encode() + b"\n")
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        for pid in children:
            os.waitpid(pid, 0)


def _warm_up() -> None:
    """Load what a worker would load at its start: holidays, and words of replies."""
    importlib.import_module("outreach.adapters.rules").RuleAnalyst()
    system = importlib.import_module("outreach.adapters.system")
    for year in (2026, 2027):
        system.LibraryCalendar().holidays("RO", year)


def _live(main: Any, question: Any) -> None:
    """In the child; does not return."""
    status = 1
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        log = os.open(question["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        main(question["options"])
        status = 0
    finally:
        # Whatever it was, the child must not go on as its parent would.
        if status:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


def _changes(children: set[int]) -> Iterator[tuple[int, bool, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if os.WIFSTOPPED(status):
            yield pid, True, os.WSTOPSIG(status)
            continue
        children.discard(pid)
        yield pid, False, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


if __name__ == "__main__":
    _serve()
