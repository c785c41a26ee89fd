"""What an answer to a send proves: one table, the first row that fits.

Statuses, codes and bodies are those of the vendor's public API 1.3.0. The live API
often leaves `error_code` out: where there is one it decides, else the status does,
and the words of the message only where the status says too little.

Our reading, where the vendor promises nothing:

- 503 with the JSON error of the vendor's own API comes before the message is
  queued; any other 503, and every 500, 502 and 504, may come from something that
  lost the answer of an API that had accepted;
- a page with 401, 403 or 404, or a 403 or 404 in a JSON that is not the API's, is
  the edge in front of the API, which knows nothing about our token or our phones;
- a number that the API calls wrong is the recipient's, unless it is our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from attrs import evolve, frozen

from outreach.adapters._http import HttpReply, retry_after
from outreach.adapters.timelinesai.replies import Body, Said, said_by
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

Make = Callable[[str, HttpReply, Said], Answer]

_EVERY: Final = frozenset(range(100, 600))
_4XX: Final = frozenset(range(400, 500)) - {408}
"""408 says that the request did not come in whole, or so the other side thinks."""
_ANY: Final = frozenset(Body)
_API: Final = frozenset({Body.ERROR})
_PAGE: Final = frozenset({Body.JSON, Body.EMPTY, Body.OTHER})


@frozen(kw_only=True)
class Row:
    """Fits an answer if all that is named fits; what is left out fits anything.

    Attributes:
        name: goes into the detail of our answer; nothing of the vendor's does,
            which quotes numbers and texts.
        bodies: an error of the vendor's own API, if left out.
        codes: `error_code`; "" stands for an answer without one.
        words: one of them stands in the message.
        field: the API finds fault with it.
    """

    name: str
    make: Make
    statuses: frozenset[int] = _4XX
    bodies: frozenset[Body] = _API
    codes: frozenset[str] | None = None
    words: tuple[str, ...] = ()
    field: str = ""

    def fits(self, said: Said) -> bool:
        """Whether this row speaks about such an answer."""
        return (
            said.status in self.statuses
            and said.body in self.bodies
            and (self.codes is None or said.code in self.codes)
            and (not self.words or any(part in said.words for part in self.words))
            and (not self.field or self.field in said.fields)
        )


def answer(reply: HttpReply, *, sender: str) -> Answer:
    """Say what became of a send of *sender*; what no row knows may be accepted."""
    said = said_by(reply)
    if _calls_wrong(said, sender):
        said = evolve(said, fields=frozenset({_SENDER}))
    for row in TABLE:
        if row.fits(said):
            return row.make(row.name, reply, said)
    return UnknownOutcome(f"{reply.status} is not in the acceptance table")


# --- what a row makes of an answer


def _accepted(_name: str, _reply: HttpReply, said: Said) -> Answer:
    return Accepted(said.uid)


def _refused(kind: Refusal) -> Make:
    return lambda name, reply, _: Refused(kind, f"{reply.status} {name}")


def _waits(signal: SenderSignal | None = None) -> Make:
    return lambda name, reply, _: NotAccepted(
        lane=True,
        detail=f"{reply.status} {name}",
        retry_after=retry_after(reply.headers),
        signal=signal,
    )


def _unclear(name: str, reply: HttpReply, _said: Said) -> Answer:
    return NotAccepted(lane=False, detail=f"{reply.status} {name}")


def _unknown(name: str, reply: HttpReply, _said: Said) -> Answer:
    return UnknownOutcome(f"{reply.status} {name}")


# --- the table

_SENDER: Final = "whatsapp_account_phone"
_WRONG_NUMBER: Final = ("wrong phone number", "invalid phone number")

_TOKEN_CODES: Final = frozenset(
    {
        "missing_credentials",
        "invalid_token",
        "member_not_found",
        "permission_denied",
        "insufficient_scope",
    }
)
_CONVERSATION_CODES: Final = frozenset(
    {
        "service_window_closed",
        "template_not_approved",
        "template_wrong_waba",
        "template_variables_mismatch",
        "not_supported",
    }
)
_VAGUE: Final = frozenset({"", "validation_error", "not_found"})
"""Codes that leave it to the words and fields what is meant."""

_later: Final = _waits()
_offline: Final = _waits(SenderSignal.DISCONNECTED)
_locked_out: Final = _waits(SenderSignal.AUTH_FAILED)
_never: Final = _refused(Refusal.REJECTED)
_nobody: Final = _refused(Refusal.INVALID_RECIPIENT)

_SUCCESS: Final = frozenset(range(200, 300))
_INVALID: Final = frozenset({400, 422})

TABLE: Final = (
    Row(
        name="accepted",
        make=_accepted,
        statuses=_SUCCESS,
        bodies=frozenset({Body.SENT}),
    ),
    Row(
        name="success without a message id",
        make=_unknown,
        statuses=_SUCCESS,
        bodies=_ANY,
    ),
    # the code says it
    Row(
        name="internal error",
        make=_unknown,
        statuses=_EVERY,
        codes=frozenset({"internal_error"}),
    ),
    Row(name="rate limit", make=_later, codes=frozenset({"rate_limit_exceeded"})),
    Row(name="quota used up", make=_later, codes=frozenset({"quota_exceeded"})),
    Row(
        name="not in the plan",
        make=_later,
        codes=frozenset({"plan_feature_unavailable"}),
    ),
    Row(name="sender offline", make=_offline, codes=frozenset({"account_inactive"})),
    Row(name="credentials not accepted", make=_locked_out, codes=_TOKEN_CODES),
    Row(name="not in this conversation", make=_never, codes=_CONVERSATION_CODES),
    # the words or the fields say it
    Row(name="rate limit", make=_later, statuses=frozenset({429}), bodies=_ANY),
    Row(name="quota used up", make=_later, codes=_VAGUE, words=("quota exceeded",)),
    Row(
        name="sender offline",
        make=_offline,
        codes=_VAGUE,
        words=("no connected whatsapp account",),
    ),
    Row(
        name="sender not known",
        make=_offline,
        statuses=_INVALID | {404},
        codes=_VAGUE,
        field=_SENDER,
    ),
    Row(
        name="wrong phone number",
        make=_nobody,
        statuses=_INVALID,
        codes=_VAGUE,
        words=_WRONG_NUMBER,
    ),
    Row(
        name="wrong phone number",
        make=_nobody,
        statuses=_INVALID,
        codes=_VAGUE,
        field="phone",
    ),
    Row(
        name="message not valid",
        make=_never,
        statuses=_INVALID,
        codes=frozenset({"validation_error"}),
    ),
    Row(name="message too large", make=_never, statuses=frozenset({413})),
    # the status says it
    Row(
        name="credentials not accepted",
        make=_locked_out,
        statuses=frozenset({401, 403}),
        codes=frozenset({""}),
    ),
    Row(
        name="credentials not accepted",
        make=_locked_out,
        statuses=frozenset({401}),
        bodies=frozenset({Body.JSON, Body.EMPTY}),
    ),
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
    Row(name="busy", make=_later, statuses=frozenset({503})),
)


def _calls_wrong(said: Said, number: str) -> bool:
    """Whether the number found fault with is *number*, and not the recipient's."""
    if not number or not any(part in said.words for part in _WRONG_NUMBER):
        return False
    digits = re.escape(number.removeprefix("+"))
    return re.search(rf"(?<!\d){digits}(?!\d)", said.words) is not None
