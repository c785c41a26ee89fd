"""The files of this repository, as the checks of the house read them."""

from __future__ import annotations

import functools
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

__all__ = ["ALLOWED", "ROOT", "committed", "pyproject", "sources", "text_of"]

ROOT: Final = Path(__file__).parents[2]
ALLOWED: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "allowed.toml").read_text("utf-8")
)
_GENERATED: Final = {"__pycache__", "build", "dist", "node_modules", "results"}


@functools.cache
def committed() -> tuple[Path, ...]:
    """What git would commit, or all that is not generated where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.rstrip("\0").split("\0")]
        return tuple(sorted(path for path in paths if path.is_file()))
    return tuple(
        sorted(
            path
            for path in ROOT.rglob("*")
            if path.is_file() and not _is_generated(path.relative_to(ROOT))
        )
    )


def sources(*folders: str) -> list[Path]:
    """The Python files below these folders of the repository."""
    wanted = tuple(ROOT / folder for folder in folders)
    return [
        path
        for path in committed()
        if path.suffix == ".py" and any(path.is_relative_to(w) for w in wanted)
    ]


def text_of(path: Path) -> str | None:
    """The text of a file; None if it is not UTF-8, and so not for people to read."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None


@functools.cache
def pyproject() -> dict[str, Any]:
    """The project's settings."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _is_generated(path: Path) -> bool:
    hidden = any(part.startswith(".") and part != ".ci" for part in path.parts[:-1])
    return hidden or not _GENERATED.isdisjoint(path.parts)
