"""What may lie in the queue, and how it is written: JSON, a known name, no arguments.

Whoever can write to the queue can make a worker look, which it does anyway. What is
anything else (a pickle, above all) is refused before it is used; arq logs and drops it.
"""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["CRON", "LOOK", "channel_of", "dump", "load", "queue_of"]

LOOK: Final = "look"
"""Rung by a bell."""
CRON: Final = "cron:look"
"""Rung by the clock, in case every bell was lost."""
LONGEST: Final = 1_000
_KNOWN: Final = frozenset({LOOK, CRON})
_FIELDS: Final = frozenset({"t", "f", "a", "k", "et"})


def queue_of(group: str) -> str:
    """The Redis key in which the jobs of one group of workers wait."""
    return f"outreach:bell:{group}"


def channel_of(group: str) -> str:
    """Where rings for now are published; what is said there does not matter."""
    return f"{queue_of(group)}:now"


def dump(job: dict[str, Any]) -> bytes:
    """Write a job; of a result, which nobody reads, nothing at all.

    Raises:
        ValueError: it is not one of ours, or carries arguments.
    """
    if "r" in job:
        return b"{}"
    return json.dumps(_checked(job), separators=(",", ":")).encode()


def load(raw: bytes) -> dict[str, Any]:
    """Read a job.

    Raises:
        ValueError: it is not one of ours, or carries arguments.
    """
    if len(raw) > LONGEST:
        msg = f"a job of {len(raw)} bytes; ours have fewer than {LONGEST}"
        raise ValueError(msg)
    try:
        job = json.loads(raw)
    except (ValueError, RecursionError):  # it may hold anything: do not repeat it
        msg = "a job that is no JSON"
        raise ValueError(msg) from None
    return _checked(job)


def _checked(job: Any) -> dict[str, Any]:
    if not isinstance(job, dict) or job.keys() != _FIELDS:
        msg = "a job that is not made by arq"
        raise ValueError(msg)
    if job["f"] not in _KNOWN or job["a"] or job["k"]:
        msg = f"a job may be {' or '.join(sorted(_KNOWN))}, without arguments"
        raise ValueError(msg)
    if type(job["et"]) is not int or not (job["t"] is None or type(job["t"]) is int):
        msg = "a job whose times are no whole numbers"
        raise ValueError(msg)
    return {**job, "a": (), "k": {}}
