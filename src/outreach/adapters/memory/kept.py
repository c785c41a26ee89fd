"""How much of what was decided stays in memory."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from outreach.adapters.memory.rows import DecisionRow

__all__ = ["keep_decision"]

_GROUNDS: Final = 10_000
"""The newest decisions whose facts are kept: a campaign of months fits, for facts are
most of what a decision takes."""


def keep_decision(rows: list[DecisionRow], row: DecisionRow) -> None:
    """Add it; an older one goes on without its facts."""
    rows.append(row)
    if len(rows) > _GROUNDS:
        old = rows[-_GROUNDS - 1]
        old.decision = evolve(old.decision, grounds=None)
