"""Programs of Node.js that tests stand against: fetched once, in exact versions.

A folder with a ``package.json`` names them. Their own install scripts are not run,
and no lock file is kept: it would name a registry's host.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

__all__ = ["OLDEST", "fetched"]

OLDEST: Final = 18
"""Major version of Node.js that is needed at least."""
PATIENCE_S: Final = 300

_KEPT: Final = Path(__file__).parents[1] / ".data" / "peers"


def fetched(folder: Path) -> Path:
    """Give a copy of *folder* that has its packages.

    Skips the test where there is no Node.js, or no network to fetch by; in CI it
    fails instead.
    """
    wanted = (folder / "package.json").read_text("utf-8")
    kept = _KEPT / folder.name
    stamp = kept / "fetched.json"
    if stamp.exists() and stamp.read_text("utf-8") == wanted and _node_is_here():
        return kept
    if not _node_is_here():
        return _without(f"there is no Node.js {OLDEST} or later")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept)
    flags = ("--no-save", "--no-package-lock", "--ignore-scripts")
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    try:
        _output("npm", "install", *flags, *quiet, cwd=kept)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return _without(f"npm cannot fetch {folder.name}: {said[:300]}")
    stamp.write_text(wanted, "utf-8")
    return kept


def _node_is_here() -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    said = _output("node", "--version")
    return int(said.removeprefix("v").partition(".")[0]) >= OLDEST


def _without(why: str) -> Path:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _output(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, check=True, capture_output=True, text=True, timeout=PATIENCE_S
    )
    return done.stdout
