"""What a report says of each recipient, and whose fault it is. No I/O.

One table for all kinds of reports. The codes in a server's words are read by
`outreach.domain.bounce`; only where there are none do the words themselves count, and
what they do not say to be permanent costs nobody an address.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import field, frozen

from outreach.domain.bounce import BounceClass, classed
from outreach.domain.event import EventType

__all__ = ["DELAYED", "Returned", "verdict"]

DELAYED: Final = "delayed"

_ACTIONS: Final = {
    "delivered": EventType.DELIVERED,
    # It has left; nobody will tell what became of it.
    "relayed": EventType.SENT,
    "expanded": EventType.SENT,
}
_LONGEST: Final = 1_000

_BLOCKED: Final = re.compile(
    r"spam|block(?:ed|list)|black.?list|polic(?:y|ies)|reputation|\bspf\b|\bdkim\b"
    r"|\bdmarc\b|denied|unauthenticated|rate.?limit|too many|not (?:allowed|permitted)"
    r"|virus|prohibited",
    re.IGNORECASE,
)
_PASSING: Final = re.compile(
    r"quota|\bfull\b|over.{0,3}limit|exceed|temporar|try again|retr(?:y|ies)|delay"
    r"|warning|timed? ?out|grey.?list|not yet|still (?:be )?(?:trying|in the queue)"
    r"|storage|space",
    re.IGNORECASE,
)
_NOBODY: Final = re.compile(
    r"unknown|no such|not (?:exist|found|known|recogni[sz]ed|listed|a valid)|no mailbox"
    r"|n't (?:exist|have a)|invalid|unrout|disabled|no longer|inactive|unavailable"
    r"|bad (?:address|destination|recipient)|not (?:our|a) (?:customer|user|local)"
    r"|rejected|no (?:user|account|recipient|local|valid)|never (?:logged|existed)"
    r"|couldn't find|could not be found|deactivated|suspended|terminated|inexistent"
    r"|не (?:существует|найден)",
    re.IGNORECASE,
)


@frozen
class Returned:
    """One recipient of a report.

    Attributes:
        address: whom it is about; empty: it does not say.
        diagnostic: codes and words of the server, as `SystemEvent.diagnostic`.
        detail: closed words, fit for logs.
    """

    address: str
    type: EventType
    diagnostic: str = field(default="", repr=False)
    detail: str = ""


def verdict(address: str, action: str, status: str, said: str) -> Returned:
    """Judge what a report says of one recipient.

    Args:
        action: ``failed``, ``delayed``, ``delivered``, ``relayed``, ``expanded``
            (RFC 3464, 2.3.3); empty where a report knows no such thing.
        status: ``5.1.1``; empty likewise.
        said: the server's own words.
    """
    if action in _ACTIONS:
        return Returned(address, _ACTIONS[action], detail=f"report: {action}")
    diagnostic = " ".join(f"{status} {said}".split())[:_LONGEST]
    blame = classed(diagnostic)
    if action == DELAYED:
        # It is tried again; whatever else is in the words is not final.
        words = diagnostic if blame is BounceClass.TRANSIENT else ""
        return Returned(address, EventType.SOFT_BOUNCE, words, "report: delayed")
    return Returned(
        address,
        EventType.BOUNCE if _is_hard(blame, status, diagnostic) else _SOFT,
        diagnostic,
        f"report: {action or 'of another kind'}",
    )


_SOFT: Final = EventType.SOFT_BOUNCE


def _is_hard(blame: BounceClass | None, status: str, diagnostic: str) -> bool:
    if blame in {BounceClass.RECIPIENT, BounceClass.SENDER}:
        return True
    if blame is BounceClass.TRANSIENT or status.startswith("4"):
        return False
    if _BLOCKED.search(diagnostic) or _PASSING.search(diagnostic):
        return False
    return _NOBODY.search(diagnostic) is not None
