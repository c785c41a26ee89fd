"""What a check of `doctor` found."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

__all__ = ["Finding", "Level"]


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@frozen
class Finding:
    """What one check found.

    Attributes:
        way_out: what to do; empty if nothing need be done.
    """

    check: str
    level: Level
    says: str
    way_out: str = ""
