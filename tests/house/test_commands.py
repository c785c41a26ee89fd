"""The two commands, and CI's one: red when anything is, with a cheap stand-in tree."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.house.tree import ROOT, pyproject

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = ("ruff", "mypy", "lint-imports")
LOCKS = ("build", "runtime", "dev")
PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? \\$", re.MULTILINE)


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """Our Makefile and .ci/run over tools that pass, and one test that does."""
    tree = tmp_path / "tree"
    for name in ("Makefile", ".ci/run", "pyproject.toml"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    (tree / "pyproject.toml").write_text("[tool.pytest]\ntestpaths = ['tests']\n")
    for name in LOCKS:
        plant(tree, f"requirements/{name}.lock", "")
    for tool in TOOLS:
        script(tree, f".venv/bin/{tool}", "exit 0")
    python = f'case "$2" in pip) ;; build) echo > .data/x;; *) exec {sys.executable}'
    for environment in (".venv", ".data/wheel-venv"):
        script(tree, f"{environment}/bin/python", f'{python} "$@";; esac')
    plant(tree, "tests/test_it.py", "def test_it(): pass")
    plant(tree, "tests/contract/test_port.py", "def test_it(): pass")
    for stamp in ("runtime.stamp", "dev.stamp"):
        plant(tree, f".venv/{stamp}", "")
    plant(tree, ".data/wheel-venv/dev.stamp", "")
    return tree


def plant(tree: Path, name: str, text: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text)


def script(tree: Path, name: str, text: str) -> None:
    plant(tree, name, f"#!/bin/sh\n{text}\n")
    (tree / name).chmod(0o755)


def ci(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", ".ci/run"],
        cwd=tree,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "PYTEST_FLAGS": "-p no:cacheprovider -q",
            "WHEEL_TESTS": "tests/contract",
        },
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_ci_is_green_when_all_is_well(stand_in: Path) -> None:
    done = ci(stand_in)

    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert "1 passed" in done.stdout


def test_ci_is_red_when_a_test_fails(stand_in: Path) -> None:
    plant(stand_in, "tests/test_it.py", "def test_it(): assert False")

    done = ci(stand_in)

    assert done.returncode != 0
    assert "1 failed" in done.stdout


def test_ci_is_red_when_no_test_ran(stand_in: Path) -> None:
    shutil.rmtree(stand_in / "tests")
    (stand_in / "tests").mkdir()

    done = ci(stand_in)

    assert done.returncode != 0
    assert "no tests ran" in done.stdout


def test_ci_is_red_when_a_test_fails_on_the_wheel_alone(stand_in: Path) -> None:
    source = "import os\ndef test_it(): assert 'OUTREACH_TEST_WHEEL' not in os.environ"
    plant(stand_in, "tests/contract/test_port.py", source)

    done = ci(stand_in)

    assert done.returncode != 0
    assert "2 passed" in done.stdout
    assert "1 failed" in done.stdout


@pytest.mark.parametrize("tool", TOOLS)
def test_ci_is_red_when_a_check_fails(stand_in: Path, tool: str) -> None:
    script(stand_in, f".venv/bin/{tool}", "exit 1")

    done = ci(stand_in)

    assert done.returncode != 0
    assert tool in done.stdout


def test_ci_does_no_more_than_the_test_command() -> None:
    lines = (ROOT / ".ci/run").read_text("utf-8").splitlines()

    assert lines[-1] == "make test"
    assert stat.S_IMODE((ROOT / ".ci/run").stat().st_mode) & stat.S_IXUSR


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.lock").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.rstrip("\n"))

    assert [e.splitlines()[0] for e in entries if "--hash=sha256:" not in e] == []
    assert [line for line in text.splitlines() if "://" in line or " @ " in line] == []


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("runtime", pyproject()["project"]["dependencies"]),
        ("runtime", pyproject()["project"]["optional-dependencies"]["embedded"]),
        ("dev", list(chain(*pyproject()["project"]["optional-dependencies"].values()))),
        ("dev", [r for r in pyproject()["dependency-groups"]["dev"] if "{" not in r]),
        ("build", pyproject()["dependency-groups"]["build"]),
        ("build", pyproject()["build-system"]["requires"]),
    ],
)
def test_the_locks_hold_what_the_project_asks_for(lock: str, asked: list[str]) -> None:
    held = pins(lock)
    requirements = [Requirement(entry) for entry in asked if isinstance(entry, str)]

    missing = [
        f"{requirement}: run make lock"
        for requirement in requirements
        if not any(
            requirement.specifier.contains(version)
            for version in held.get(canonicalize_name(requirement.name), ())
        )
    ]

    assert requirements
    assert missing == []


@pytest.mark.parametrize("lock", ["build", "runtime"])
def test_tests_run_with_the_versions_that_users_get(lock: str) -> None:
    dev = pins("dev")

    assert {n: v for n, v in pins(lock).items() if dev.get(n) != v} == {}


def pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    text = (ROOT / f"requirements/{lock}.lock").read_text("utf-8")
    for name, version, _ in PIN.findall(text):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found
