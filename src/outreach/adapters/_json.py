"""JSON from strangers, bounded before it is parsed (threat T3)."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

__all__ = ["MOST_DEEP", "MOST_KEYS", "Unreadable", "parse"]

MOST_DEEP: Final = 32
MOST_KEYS: Final = 1_000
_INT64: Final = range(-(2**63), 2**63)
_LONGEST_INT: Final = len(str(-(2**63)))

_OPENING: Final = (b"{", b"[")
# Every opening quote matches up to the end at the latest: the time is linear.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")
_LONG_INT: Final = re.compile(rb"-?[0-9]{19,}+")


class Unreadable(ValueError):
    """No JSON, or one past the bounds; says which, and quotes nothing."""


def parse(raw: bytes, *, most_keys: int = MOST_KEYS) -> Any:
    """Parse UTF-8 JSON of at most `MOST_DEEP` levels and *most_keys* keys, whose
    integers fit 64 bits and whose numbers are finite.

    Raises:
        Unreadable: it is not that.
    """
    if not _is_small(raw):
        _measure(_STRING.sub(b"0", raw), most_keys)
    try:
        return json.loads(raw.decode(), parse_constant=_refuse, parse_float=_finite)
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        message = "not JSON"
        raise Unreadable(message) from error


def _is_small(raw: bytes) -> bool:
    """Whether even the brackets, colons and digits inside strings are few.

    Ordinary bodies are; they are not taken apart.
    """
    return (
        sum(map(raw.count, _OPENING)) <= MOST_DEEP
        and raw.count(b":") <= MOST_KEYS
        and _LONG_INT.search(raw) is None
    )


def _measure(bare: bytes, most_keys: int) -> None:
    """Check a body whose strings have been taken out."""
    if bare.count(b":") > most_keys:
        message = f"more than {most_keys} keys"
        raise Unreadable(message)
    depth = 0
    for bracket in _BRACKET.finditer(bare):
        depth += 1 if bracket[0] in _OPENING else -1
        if depth > MOST_DEEP:
            message = f"deeper than {MOST_DEEP} levels"
            raise Unreadable(message)
    for number in _LONG_INT.finditer(bare):
        if len(number[0]) > _LONGEST_INT or int(number[0]) not in _INT64:
            message = "an integer beyond 64 bits"
            raise Unreadable(message)


def _finite(written: str) -> float:
    number = float(written)
    return number if math.isfinite(number) else _refuse("a number beyond all bounds")


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is no number"
    raise Unreadable(message)
