"""What an answer that is no success proves: one table, the first row that fits.

The vendor's API answers every error as ``{statusCode, error, message}``. Our reading,
where the vendor promises nothing:

- a JSON error with a status below 500 comes before anything was accepted;
- 500, 502, 503 and 504 may come after that, from the vendor's own API too: its 503
  speaks of a mailbox provider behind it;
- a page, or a JSON that is not the API's, with 401, 403 or 404 is the edge in front of
  the API, which knows nothing about our key;
- 402 (no paid plan) holds the lane and says nothing against the key: a person must pay.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from attrs import frozen

from outreach.adapters import _json
from outreach.adapters._http import HttpReply, retry_after
from outreach.domain.message import (
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

__all__ = ["TABLE", "UNPAID_WAIT", "Body", "Row", "answer", "body_of"]

UNPAID_WAIT: Final = timedelta(hours=1)
"""Before an account without a paid plan is asked again (machine time)."""

Make = Callable[[str, HttpReply], Answer]


class Body(Enum):
    """What came with a status."""

    ERROR = auto()
    """An error in the shape of the vendor's API."""
    JSON = auto()
    EMPTY = auto()
    OTHER = auto()


_ANY: Final = frozenset(Body)
_API: Final = frozenset({Body.ERROR})
_EDGE: Final = _ANY - _API


@frozen(kw_only=True)
class Row:
    """Fits an answer if status and body fit.

    Attributes:
        name: goes into the detail of our answer; nothing of the vendor's does, which
            quotes addresses and texts.
    """

    name: str
    make: Make
    statuses: frozenset[int]
    bodies: frozenset[Body] = _API

    def fits(self, status: int, body: Body) -> bool:
        """Whether this row speaks about such an answer."""
        return status in self.statuses and body in self.bodies


def body_of(reply: HttpReply) -> Body:
    """Tell the vendor's own errors from what others write."""
    if not reply.body.strip():
        return Body.EMPTY
    try:
        said = _json.parse(reply.body)
    except _json.Unreadable:
        return Body.OTHER
    is_error = (
        isinstance(said, dict)
        and said.get("statusCode") == reply.status
        and isinstance(said.get("message"), str)
    )
    return Body.ERROR if is_error else Body.JSON


def answer(reply: HttpReply) -> Answer:
    """Say what became of a send; what no row knows may be accepted."""
    body = body_of(reply)
    for row in TABLE:
        if row.fits(reply.status, body):
            return row.make(row.name, reply)
    return UnknownOutcome(f"{reply.status} is not in the acceptance table")


# --- what a row makes of an answer


def _waits(
    signal: SenderSignal | None = None, otherwise: timedelta | None = None
) -> Make:
    return lambda name, reply: NotAccepted(
        lane=True,
        detail=f"{reply.status} {name}",
        retry_after=retry_after(reply.headers) or otherwise,
        signal=signal,
    )


def _unclear(name: str, reply: HttpReply) -> Answer:
    return NotAccepted(lane=False, detail=f"{reply.status} {name}")


def _never(name: str, reply: HttpReply) -> Answer:
    return Refused(Refusal.REJECTED, f"{reply.status} {name}")


# --- the table

_later: Final = _waits()
_locked_out: Final = _waits(SenderSignal.AUTH_FAILED)

TABLE: Final = (
    Row(name="rate limit", make=_later, statuses=frozenset({429}), bodies=_ANY),
    Row(
        name="no paid plan",
        make=_waits(otherwise=UNPAID_WAIT),
        statuses=frozenset({402}),
        bodies=frozenset({Body.ERROR, Body.JSON, Body.EMPTY}),
    ),
    Row(
        name="key not accepted",
        make=_locked_out,
        statuses=frozenset({401}),
        bodies=frozenset({Body.ERROR, Body.JSON, Body.EMPTY}),
    ),
    Row(
        name="a scope or the plan is missing",
        make=_locked_out,
        statuses=frozenset({403}),
    ),
    Row(
        name="turned away at the edge",
        make=_later,
        statuses=frozenset({401, 402, 403, 404}),
        bodies=_EDGE,
    ),
    Row(name="no such campaign or mail", make=_unclear, statuses=frozenset({404})),
    Row(name="too large", make=_never, statuses=frozenset({413})),
    Row(
        name="refused, reason unclear",
        make=_unclear,
        statuses=frozenset(range(400, 500)) - {408},
    ),
    Row(
        name="moved elsewhere",
        make=_later,
        statuses=frozenset({301, 307, 308}),
        bodies=_ANY,
    ),
)
