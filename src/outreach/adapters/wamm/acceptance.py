"""What an answer to a send proves: one table, the first row that fits.

Nothing of this is the vendor's word: it publishes no list of errors, no status and no
limit. Success is what the vendor's own client takes for it; an error is one whose
status says so. Our reading of the rest, on the safe side:

- an error that names our token or our phone's instance comes before anything is sent,
  and so does every error under a status of 4xx;
- any other error under 200 leaves it open what happened: behind the API stands another
  program, which may have sent what the API gave up waiting for;
- 414 is the server in front, which has read no further than the line;
- a page with 401, 403 or 404 is the edge, which knows nothing about our token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen

from outreach.adapters._http import HttpReply, retry_after
from outreach.adapters.wamm.replies import Body, Said, said_by
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

__all__ = ["TABLE", "Row", "answer"]

Make = Callable[[str, HttpReply, str], Answer]

_SUCCESS: Final = frozenset(range(200, 300))
_4XX: Final = frozenset(range(400, 500)) - {408}
"""408 says that the request did not come in whole, or so the other side thinks."""
_TOLD: Final = _SUCCESS | _4XX
"""An error's own status decides; under which of HTTP it comes is not known."""
_ANY: Final = frozenset(Body)
_API: Final = frozenset({Body.ERROR})
_PAGE: Final = frozenset({Body.SUCCESS, Body.JSON, Body.EMPTY, Body.OTHER})


@frozen(kw_only=True)
class Row:
    """Fits an answer if all that is named fits; what is left out fits anything.

    Attributes:
        name: goes into the detail of our answer; nothing of the vendor's does.
        bodies: an error of the vendor's own API, if left out.
        words: one of them stands in the message.
    """

    name: str
    make: Make
    statuses: frozenset[int] = _4XX
    bodies: frozenset[Body] = _API
    words: tuple[str, ...] = ()

    def fits(self, said: Said) -> bool:
        """Whether this row speaks about such an answer."""
        return (
            said.status in self.statuses
            and said.body in self.bodies
            and (not self.words or any(part in said.words for part in self.words))
        )


def answer(reply: HttpReply, *, ref: str) -> Answer:
    """Say what became of a send; what no row knows may be accepted.

    Args:
        ref: our own id of the message: the vendor gives none.
    """
    said = said_by(reply)
    for row in TABLE:
        if row.fits(said):
            return row.make(row.name, reply, ref)
    return UnknownOutcome(f"{reply.status} is not in the acceptance table")


# --- what a row makes of an answer


def _accepted(_name: str, _reply: HttpReply, ref: str) -> Answer:
    return Accepted(ref)


def _refused(kind: Refusal) -> Make:
    return lambda name, reply, _: Refused(kind, f"{reply.status} {name}")


def _waits(signal: SenderSignal | None = None) -> Make:
    return lambda name, reply, _: NotAccepted(
        lane=True,
        detail=f"{reply.status} {name}",
        retry_after=retry_after(reply.headers),
        signal=signal,
    )


def _unclear(name: str, reply: HttpReply, _ref: str) -> Answer:
    return NotAccepted(lane=False, detail=f"{reply.status} {name}")


def _unknown(name: str, reply: HttpReply, _ref: str) -> Answer:
    return UnknownOutcome(f"{reply.status} {name}")


# --- the table

_TOKEN: Final = ("access token", "access_token")
_INSTANCE: Final = ("instance id", "instance_id")

_later: Final = _waits()
_offline: Final = _waits(SenderSignal.DISCONNECTED)
_locked_out: Final = _waits(SenderSignal.AUTH_FAILED)

TABLE: Final = (
    Row(
        name="accepted",
        make=_accepted,
        statuses=_SUCCESS,
        bodies=frozenset({Body.SUCCESS}),
    ),
    Row(name="rate limit", make=_later, statuses=frozenset({429}), bodies=_ANY),
    Row(name="token not accepted", make=_locked_out, statuses=_TOLD, words=_TOKEN),
    Row(name="instance not known", make=_offline, statuses=_TOLD, words=_INSTANCE),
    Row(name="error of an unknown kind", make=_unknown, statuses=_SUCCESS),
    Row(
        name="success without a word",
        make=_unknown,
        statuses=_SUCCESS,
        bodies=_ANY,
    ),
    Row(
        name="too long for its way",
        make=_refused(Refusal.REJECTED),
        statuses=frozenset({414}),
        bodies=_ANY,
    ),
    Row(name="token not accepted", make=_locked_out, statuses=frozenset({401, 403})),
    Row(
        name="turned away at the edge",
        make=_later,
        statuses=frozenset({401, 403, 404}),
        bodies=_PAGE,
    ),
    Row(
        name="moved elsewhere",
        make=_later,
        statuses=frozenset({301, 307, 308}),
        bodies=_ANY,
    ),
    Row(name="refused, reason unclear", make=_unclear),
)
