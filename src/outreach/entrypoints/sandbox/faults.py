"""Which fault strikes a send, and the kinds that a long run has for certain."""

from __future__ import annotations

import collections
import enum
from collections.abc import Iterable
from typing import Final

from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.phrases import ReplyKind

__all__ = ["CERTAIN", "FAULTS", "REPLIES", "Certain", "Fault", "fault_of"]


class Fault(enum.StrEnum):
    RATE_LIMITED = "429"
    UNAVAILABLE = "503"
    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    STALLED = "stalled"
    EDGE_REFUSED = "403"
    SLOW = "slow"


FAULTS: Final = ("429", "503", "lost_before", "lost_after")
REPLIES: Final = (
    ReplyKind.STOP.value,
    ReplyKind.ANGRY.value,
    ReplyKind.OUT_OF_OFFICE.value,
    ReplyKind.MEDIA.value,
    ReplyKind.POLITE_OPT_OUT.value,
    ReplyKind.LEGAL_THREAT.value,
)
CERTAIN: Final = (*FAULTS, *REPLIES, "repeat", "late")


def fault_of(seed: int, behaviour: Behaviour, to: str, arrival: int) -> Fault | None:
    """Say what strikes the arrival-th request (from 1) to send to this number."""
    rest = Draw.about(seed, "fault", to, arrival).unit("kind")
    shares = {
        Fault.RATE_LIMITED: behaviour.rate_limited,
        Fault.UNAVAILABLE: behaviour.unavailable,
        Fault.LOST_BEFORE: behaviour.lost_before,
        Fault.LOST_AFTER: behaviour.lost_after,
        Fault.STALLED: behaviour.stalled,
        Fault.EDGE_REFUSED: behaviour.edge_refused,
        Fault.SLOW: behaviour.slow,
    }
    for fault, share in shares.items():
        rest -= share
        if rest < 0:
            return fault
    return None


class Certain:
    """Counts what happened, and says which kind is overdue.

    The kinds of CERTAIN have deadlines spread evenly up to `sure_by` recipients.
    Chance usually comes first; what has not happened by its deadline is due.
    """

    def __init__(self, sure_by: int) -> None:
        self.happened: collections.Counter[str] = collections.Counter()
        self._deadlines = {
            kind: sure_by * (place + 1) // len(CERTAIN)
            for place, kind in enumerate(CERTAIN if sure_by else ())
        }

    def note(self, kind: str) -> None:
        self.happened[kind] += 1

    def due(self, among: Iterable[str], recipients: int) -> str | None:
        """Give an overdue kind, once this many people were written to."""
        for kind in among:
            deadline = self._deadlines.get(kind)
            if deadline is None or recipients < deadline:
                continue
            if not self.happened[kind]:
                return kind
        return None
