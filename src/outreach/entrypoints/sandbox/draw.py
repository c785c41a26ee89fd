"""Seeded draws: a value is a hash of its name, so no order of arrival changes it.

A stream of random numbers would tie every draw to those before it. Here the
seed, the person and what is drawn are hashed together; adding a new draw later
leaves all others as they were.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import attrs

__all__ = ["Draw"]

_DIGEST_BYTES: Final = 7  # 56 bits: every value is an exact float below 1
_SCALE: Final = float(1 << (8 * _DIGEST_BYTES))
_NORMAL: Final = statistics.NormalDist()
_SMALLEST_UNIT: Final = 1e-9  # the normal quantile of 0 does not exist

_T = TypeVar("_T")


@attrs.frozen
class Draw:
    """Draws about one subject, such as (seed, "fate", phone, ordinal)."""

    subject: tuple[object, ...]

    @classmethod
    def about(cls, *subject: object) -> Draw:
        return cls(subject)

    def unit(self, name: str) -> float:
        """Give a value in [0, 1) for this name; the same one every time."""
        text = "\x1f".join(map(str, (*self.subject, name)))
        digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
        return int.from_bytes(digest) / _SCALE

    def happens(self, name: str, share: float) -> bool:
        return self.unit(name) < share

    def between(self, name: str, low: float, high: float) -> float:
        return low + (high - low) * self.unit(name)

    def whole(self, name: str, low: int, high: int) -> int:
        """Give a whole number from low to high, both included."""
        return low + int(self.unit(name) * (high - low + 1))

    def long_tailed(self, name: str, *, median: float, spread: float) -> float:
        """Give a log-normal value: half below the median, a few far above."""
        unit = max(self.unit(name), _SMALLEST_UNIT)
        return median * math.exp(spread * _NORMAL.inv_cdf(unit))

    def one_of(self, name: str, choices: Sequence[_T]) -> _T:
        return choices[int(self.unit(name) * len(choices))]

    def weighted(self, name: str, weights: Mapping[str, float]) -> str:
        """Give a key of weights; those of weight 0 never.

        Raises ValueError if no weight is above 0.
        """
        rest = self.unit(name) * sum(weights.values())
        chosen = [key for key, weight in weights.items() if weight > 0]
        for key in chosen:
            rest -= weights[key]
            if rest < 0:
                return key
        if not chosen:
            message = f"nothing to draw for {name!r}: every weight is 0"
            raise ValueError(message)
        return chosen[-1]
