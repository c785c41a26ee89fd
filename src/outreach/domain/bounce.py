"""Whose fault it is that a mail came back (SPEC section 4)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from outreach.domain.event import EventType, SystemEvent

__all__ = ["RETURNED", "BounceClass", "bounce_of", "classed", "codes"]

RETURNED: Final = "bounced"
"""What is kept as the status of an address whose mail came back for good."""

_ENHANCED: Final = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
"""RFC 3463; not a part of an address or of a longer number."""
_BASIC: Final = re.compile(r"(?<![\w.:-])([45]\d\d)(?![\w.:]|-\d)")
"""RFC 5321, where it stands alone; ``550-`` begins a line of several."""
_NOBODY_THERE: Final = frozenset({"550", "551", "553"})


class BounceClass(StrEnum):
    """What a returned mail says."""

    RECIPIENT = "RECIPIENT"
    """The address takes no mail: it counts as a bounce, and is written to no more."""
    SENDER = "SENDER"
    """We are refused, or sent too much: the mailbox rests, the lead is kept."""
    TRANSIENT = "TRANSIENT"
    """It may work another time: nobody is to blame."""


def classed(diagnostic: str) -> BounceClass | None:
    """What the codes in a server's words say; None: there is no code in them.

    An enhanced code (5.1.1) outranks the bare one beside it, as 550 5.7.1 is no fault
    of the recipient; one that says nothing more (5.0.0) does not. Of several that
    disagree, a fault of ours comes first: it costs no lead.
    """
    found = {
        _of_enhanced(*match.groups())
        for match in _ENHANCED.finditer(diagnostic)
        if match[2] != "0"
    }
    for one in (BounceClass.SENDER, BounceClass.RECIPIENT, BounceClass.TRANSIENT):
        if one in found:
            return one
    bare = _BASIC.findall(diagnostic)
    if _NOBODY_THERE & set(bare):
        return BounceClass.RECIPIENT
    vague = _ENHANCED.search(diagnostic) is not None
    return BounceClass.TRANSIENT if bare or vague else None


def codes(diagnostic: str) -> str:
    """The codes alone, as logs may show them: a server's words may hold an address."""
    found = [match[0] for match in _ENHANCED.finditer(diagnostic)]
    return " ".join(dict.fromkeys([*_BASIC.findall(diagnostic), *found]))


def _of_enhanced(kind: str, subject: str, detail: str) -> BounceClass:
    if kind != "5":
        return BounceClass.TRANSIENT
    if subject == "7" or (subject, detail) == ("4", "5"):
        return BounceClass.SENDER
    return BounceClass.RECIPIENT if subject in {"1", "2"} else BounceClass.TRANSIENT


def bounce_of(event: SystemEvent) -> BounceClass | None:
    """What an event says of a mail that came back; None: it is about something else.

    Where the server's words hold no code, the provider's own verdict is believed: a
    hard bounce is the recipient's.
    """
    match event.type:
        case EventType.BOUNCE:
            return classed(event.diagnostic) or BounceClass.RECIPIENT
        case EventType.SOFT_BOUNCE:
            return classed(event.diagnostic) or BounceClass.TRANSIENT
        case _:
            return None
