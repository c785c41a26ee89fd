"""What a stranger reads is true: blocks run, commands and files are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from tests.house.pages import Block, blocks, broken_links, faults_of, pages
from tests.house.tree import ROOT, committed

if TYPE_CHECKING:
    from pathlib import Path

BLOCK_TIMEOUT_S = 120


def run(block: Block, folder: Path) -> str:
    """Run a Python block by itself, as pasted into a file; what it complained of."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        capture_output=True,
        check=False,
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("OUTREACH_")},
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        text=True,
        timeout=BLOCK_TIMEOUT_S,
    )
    return f"{block}: {done.stderr[-2000:]}" if done.returncode else ""


def test_every_python_block_runs(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    alone = [block for block in blocks("python", "py") if not block.of]
    complaints = [run(block, tmp_path) for block in alone]

    assert [complaint for complaint in complaints if complaint] == []


def test_a_file_that_is_shown_in_pieces_is_shown_whole() -> None:
    shown: dict[str, str] = {}
    for block in blocks("python"):
        if block.of:
            shown[block.of] = f"{shown.get(block.of, '')}\n\n{block.text}"
    files = {path.name: path for path in committed()}

    assert set(shown) == {"pigeon_post.py", "pigeon_wire.py"}
    for name, text in shown.items():
        assert text.split() == files[name].read_text("utf-8").split(), name


def test_every_command_can_be_typed() -> None:
    faults = [
        f"{block}: {command}: {fault}"
        for block in blocks("console", "bash", "sh", "shell")
        for command in block.commands
        for fault in faults_of(command)
    ]

    assert faults == []


def test_every_block_of_data_can_be_read() -> None:
    read = [tomllib.loads(block.text) for block in blocks("toml")]
    read += [json.loads(block.text) for block in blocks("json")]

    assert len(read) == len(blocks("toml", "json"))


def test_every_link_to_a_file_leads_to_one() -> None:
    broken = {page.name: broken_links(page) for page in pages()}

    assert {name: links for name, links in broken.items() if links} == {}


def test_the_readme_shows_both_ways_in() -> None:
    readme = ROOT / "README.md"

    typed = [c for b in blocks("console", "sh") if b.page == readme for c in b.commands]
    written = [block for block in blocks("python") if block.page == readme]

    assert {"make run", "make test"} <= set(typed)
    assert written


@pytest.mark.parametrize(
    "command",
    [
        "make everything",
        "outreach frobnicate",
        "outreach run --warp 9",
        "outreach leads import examples/none.csv",
        "arq outreach.nowhere.WorkerSettings",
        "pip install 'outreach[telepathy]'",
        "frobnicate",
        "pytest --outreach-adapter dovecote:adapter",
    ],
)
def test_a_command_that_cannot_be_typed_is_seen(command: str) -> None:
    assert faults_of(command) != []


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    block = Block(ROOT / "README.md", 7, "python", "raise SystemExit('no')")

    assert run(block, tmp_path).startswith("README.md:7: no")


def test_continued_and_commented_lines_are_one_command_and_none() -> None:
    text = "$ outreach run \\\n    --speed 9\nSome output\n$ make run\n"

    console = Block(ROOT / "README.md", 1, "console", text)
    shell = Block(ROOT / "README.md", 1, "sh", "# first\nmake run\n")

    assert [c.split() for c in console.commands] == [
        ["outreach", "run", "--speed", "9"],
        ["make", "run"],
    ]
    assert shell.commands == ["make run"]
