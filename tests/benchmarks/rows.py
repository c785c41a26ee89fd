"""What a bench answers: both sides of a comparison, and what must come of it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, Final, Literal

from attrs import field, frozen

__all__ = ["PeerMissing", "Row", "table"]

_HEADERS: Final = ("bar", "what", "ours", "peer", "ratio", "spread", "must be", "")


class PeerMissing(Exception):
    """What ours is measured against is not there; the message names it."""


@frozen
class Row:
    """One comparison: costs of both sides, round by round; smaller is better.

    Attributes:
        bar: its number, such as P7.
        what: what is compared with what.
        unit: of both sides.
        ours: one figure per round.
        peer: the other side, in turns with ours; empty if the bar is a plain figure.
        sense: "at most": ours / peer (or ours alone) must not pass *limit*; "at
            least": the peer must cost at least *limit* times ours.
    """

    bar: str
    what: str
    unit: str
    ours: tuple[float, ...]
    peer: tuple[float, ...]
    sense: Literal["at most", "at least"]
    limit: float
    ratio: float = field(init=False)
    spread: float = field(init=False)
    passed: bool = field(init=False)

    @ratio.default
    def _ratio(self) -> float:
        ours = statistics.median(self.ours)
        if not self.peer:
            return ours
        peer = statistics.median(self.peer)
        return ours / peer if self.sense == "at most" else peer / ours

    @spread.default
    def _spread(self) -> float:
        """Widest distance between two rounds of a side, as a share of its median."""
        return max(_spread(self.ours), _spread(self.peer))

    @passed.default
    def _passed(self) -> bool:
        if self.sense == "at least":
            return self.ratio >= self.limit
        return self.ratio <= self.limit

    def cells(self) -> Sequence[str]:
        """For a table."""
        peer = f"{statistics.median(self.peer):.5g} {self.unit}" if self.peer else "-"
        return (
            self.bar,
            self.what,
            f"{statistics.median(self.ours):.5g} {self.unit}",
            peer,
            f"{self.ratio:.2f}" if self.peer else "-",
            f"{self.spread:.0%}",
            f"{'>=' if self.sense == 'at least' else '<='} {self.limit:g}",
            "pass" if self.passed else "MISS",
        )

    def document(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "bar": self.bar,
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer,
            "ratio": self.ratio,
            "spread": self.spread,
            "must_be": f"{self.sense} {self.limit:g}",
            "passed": self.passed,
        }


def table(rows: Sequence[Row]) -> str:
    """All of them, one line each, columns aligned."""
    cells = [_HEADERS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            text.ljust(width) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join(lines) + "\n"


def _spread(figures: Sequence[float]) -> float:
    median = statistics.median(figures) if figures else 0.0
    return (max(figures) - min(figures)) / abs(median) if median else 0.0
