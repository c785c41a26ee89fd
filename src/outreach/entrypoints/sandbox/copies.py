"""How often and when a webhook is posted: once, late, or again."""

from __future__ import annotations

from typing import Final

import attrs

from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.faults import Certain

__all__ = ["Copy", "copies_of"]

_SOON_ENGINE_S: Final = 10.0
_EARLIEST_LATE: Final = 1 / 12


@attrs.frozen
class Copy:
    """One delivery of one body: the first, a late first, or a repeat."""

    number: int
    kind: str  # "first", "late" or "repeat"
    delay_s: float


def copies_of(
    draw: Draw, knobs: Behaviour, certain: Certain, recipients: int
) -> tuple[Copy, ...]:
    """Draw the deliveries of one event, and count them.

    `recipients` is how many people were written to, for the kinds that must happen.
    """
    forced = certain.due(("repeat", "late"), recipients)
    is_late = forced == "late" or draw.happens("late", knobs.webhook_late)
    latest = knobs.webhook_late_engine_s
    first = (
        Copy(0, "late", draw.between("late by", latest * _EARLIEST_LATE, latest))
        if is_late
        else Copy(0, "first", draw.between("jitter", 0, knobs.webhook_jitter_engine_s))
    )
    copies = [first]
    most = knobs.webhook_most_repeats
    by_chance = draw.happens("repeated", knobs.webhook_repeated)
    if most and (forced == "repeat" or by_chance):
        for number in range(1, draw.whole("n", 1, most) + 1):
            longest = _SOON_ENGINE_S if draw.happens(f"soon {number}", 0.5) else latest
            wait = first.delay_s + draw.between(f"wait {number}", 0, longest)
            copies.append(Copy(number, "repeat", wait))
    for copy in copies:
        certain.note(copy.kind)
    return tuple(copies)
