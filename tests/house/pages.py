"""Fenced blocks and links of the pages people read, and what their commands need."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from attrs import frozen
from tests.house.tree import ROOT, committed, pyproject

__all__ = ["Block", "blocks", "broken_links", "faults_of", "pages"]

FENCE: Final = re.compile(
    r"^( *)```(\w*) *([^\n]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL
)
LINK: Final = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
TARGET: Final = re.compile(r"^([a-z]+):", re.MULTILINE)
SHELL: Final = {"cat", "cd", "cp", "curl", "export", "git", "ls", "source", "sudo"}
ENTRY: Final = "import sys; from outreach.entrypoints.cli import main; sys.exit(main())"
HELP_TIMEOUT_S: Final = 60


@frozen
class Block:
    """One fenced block of a page.

    Attributes:
        of: the file that it is a piece of, as its first line says; empty: it stands
            alone.
    """

    page: Path
    line: int
    language: str
    text: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The command lines: after ``$`` in console blocks, all of them in sh."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            return [line[2:] for line in lines if line.startswith("$ ")]
        if self.language in {"bash", "sh", "shell"}:
            return [line for line in lines if line and not line.startswith("#")]
        return []


def pages() -> list[Path]:
    """What people read."""
    return [path for path in committed() if path.suffix == ".md"]


def blocks(*languages: str) -> list[Block]:
    """All fenced blocks in these languages."""
    found = []
    for page in pages():
        text = page.read_text("utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            body = re.sub(f"(?m)^{match[1]}", "", match[4])
            block = Block(page, line, match[2], body, match[3])
            if block.language in languages:
                found.append(block)
    return found


def broken_links(page: Path) -> list[str]:
    """Links of a page to files that are not there."""
    targets = LINK.findall(page.read_text("utf-8"))
    return [target for target in targets if not (page.parent / target).exists()]


def faults_of(command: str) -> list[str]:
    """Why *command* could not be typed here; nothing of it is run but ``--help``."""
    words = shlex.split(command, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    faults = [
        f"{word} is not there"
        for word in words
        if word.startswith(("examples/", "docs/")) and not (ROOT / word).exists()
    ]
    if not words or words[0] in {"#", *SHELL}:
        return faults
    match words:
        case ["make", *rest]:
            targets = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
            faults += [
                f"no target {w}" for w in rest if "=" not in w if w not in targets
            ]
        case ["outreach", *rest]:
            faults += _not_in_help(rest)
        case ["arq", target, *_]:
            if find_spec(target.rpartition(".")[0]) is None:
                faults.append(f"no module for {target}")
        case ["pip", "install", *rest] | [_, "-m", "pip", "install", *rest]:
            faults += _unknown_extras(rest)
        case ["pytest", "--outreach-adapter", adapter]:
            faults += _no_adapter(adapter)
        case [program, *_]:
            faults.append(f"{program} is not known to tests/house/pages.py")
    return faults


def _no_adapter(where: str) -> list[str]:
    file = f"{where.partition(':')[0]}.py"
    there = any(path.name == file for path in committed())
    return [] if there else [f"no {file} here"]


def _not_in_help(words: list[str]) -> list[str]:
    """Options that the help of this command does not name, or that it has none."""
    path = tuple(words[: next((i for i, w in enumerate(words) if w[0] == "-"), None)])
    text = _help(path)
    if text is None:
        return [f"outreach {' '.join(path)} --help fails"]
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [f"no option {option}" for option in options if option not in text]


@cache
def _help(path: tuple[str, ...]) -> str | None:
    done = subprocess.run(
        [sys.executable, "-c", ENTRY, *path, "--help"],
        capture_output=True,
        check=False,
        text=True,
        timeout=HELP_TIMEOUT_S,
        env={k: v for k, v in os.environ.items() if not k.startswith("OUTREACH_")},
    )
    return done.stdout if done.returncode == 0 else None


def _unknown_extras(requirements: list[str]) -> list[str]:
    known = set(pyproject()["project"]["optional-dependencies"])
    named = {
        extra
        for requirement in requirements
        for group in re.findall(r"outreach\[([\w,-]+)\]", requirement)
        for extra in group.split(",")
    }
    return [f"no extra {extra}" for extra in sorted(named - known)]
