"""Finds the Lua sources in a wheel and in a checkout alike."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Final

from attrs import frozen

__all__ = ["SCRIPTS", "Script"]


@frozen
class Script:
    """One file of ``lua/``.

    Attributes:
        sha: what EVALSHA calls it by.
    """

    name: str
    source: str
    sha: str

    @classmethod
    def of(cls, name: str) -> Script:
        """Read ``lua/<name>.lua``."""
        source = _read(f"{name}.lua")
        digest = hashlib.sha1(source.encode(), usedforsecurity=False)
        return cls(name, source, digest.hexdigest())


def _read(file: str) -> str:
    packaged = resources.files(__package__) / "lua" / file
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    checkout = Path(__file__).parents[4] / "lua" / file
    return checkout.read_text(encoding="utf-8")


SCRIPTS: Final = {n: Script.of(n) for n in ("reserve", "release", "rebuild", "peek")}
"""Loaded once per process, and into the server by every new connection."""
