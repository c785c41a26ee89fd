"""The import contracts bite: a copy of the tree with one breach of each is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.house.tree import ROOT, pyproject

if TYPE_CHECKING:
    from pathlib import Path

LINT = "import sys; from importlinter.cli import lint_imports as lint\n"
LINT += "sys.exit(lint(no_logo=True, no_cache=True))"
BREACHES = {
    "Rings": ("adapters/_http.py", "import outreach.entrypoints"),
    "Facts and rules, from the richest down to the plainest": (
        "domain/errors.py",
        "import outreach.domain.ids",
    ),
    "Rules know no port": ("domain/ids.py", "import outreach.ports.clock"),
    "The core knows no framework, driver, SDK or event loop": (
        "ports/clock.py",
        "import asyncio",
    ),
    "Adapter families do not know each other": (
        "adapters/rules/__init__.py",
        "import outreach.adapters.memory",
    ),
    "The memory adapters need no driver": (
        "adapters/memory/__init__.py",
        "import psycopg",
    ),
    "Only the container wires": (
        "entrypoints/__init__.py",
        "import dependency_injector",
    ),
    "The sandbox is spoken to over the wire": (
        "adapters/rules/__init__.py",
        "import outreach.entrypoints.sandbox",
    ),
    "No knots": ("domain/ids.py", "import outreach.domain.errors"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        capture_output=True,
        check=False,
        env={"PYTHONPATH": str(folder / "src"), "COLUMNS": "200"},
        text=True,
    )


def test_every_import_contract_is_kept() -> None:
    done = lint(ROOT)

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert f"{len(BREACHES)} kept, 0 broken" in done.stdout


def test_every_contract_sees_a_breach(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, line in BREACHES.values():
        with (tmp_path / "src/outreach" / name).open("a") as file:
            file.write(f"\n{line}\n")

    done = lint(tmp_path)

    broken = set(re.findall(r"^(.+) BROKEN\b", done.stdout, re.MULTILINE))
    assert done.returncode == 1
    assert broken == set(BREACHES)


def test_a_module_nobody_placed_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for ring in ("", "domain/", "adapters/"):
        (tmp_path / f"src/outreach/{ring}newcomer.py").touch()

    done = lint(tmp_path)

    for ring in ("outreach", "outreach.domain", "outreach.adapters"):
        assert f"{ring}.newcomer" in done.stdout


def test_no_layer_contract_lets_a_module_go_unplaced() -> None:
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    layers = [c for c in contracts if c["type"] == "layers"]

    assert [c["name"] for c in layers if not c.get("exhaustive")] == []
    assert {name for c in layers for name in c["containers"]} == {
        "outreach",
        "outreach.domain",
        "outreach.adapters",
    }
