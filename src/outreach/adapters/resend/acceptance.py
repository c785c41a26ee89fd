"""What an answer to a send proves: one table, the first row that fits.

The vendor's contract describes no error at all; names and statuses are those of its
errors page and of its own client libraries. The name decides where there is one: 429
is a rate limit or a used-up quota, 403 a wrong key or a domain that is not verified.
A message is used only to tell whose fault a validation error is; it is never quoted.

Our reading, where the vendor promises nothing:

- a name of the API's own with 4xx comes before the mail is queued, but for the two
  about idempotency: `invalid_idempotent_request` says that our key was taken with
  another body, so that the *first* mail may be on its way, and it is never called
  refused; `concurrent_idempotent_requests` says that it is being taken just now;
- every 5xx, the API's own too, may come from something that lost the answer of an API
  that had accepted, and so may a success without an id;
- a page, or a JSON that is not the API's, with 401, 403 or 404 is the edge in front
  of it, which knows nothing about our key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import frozen

from outreach.adapters._http import HttpReply, retry_after
from outreach.adapters.resend.replies import Body, Said, said_by
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

__all__ = ["QUOTA_UNLESS_TOLD", "TABLE", "Row", "answer"]

QUOTA_UNLESS_TOLD: Final = timedelta(hours=1)
"""How long a lane waits for a quota whose answer tells no time at all."""

Make = Callable[[str, HttpReply, Said], Answer]

_EVERY: Final = frozenset(range(100, 600))
_4XX: Final = frozenset(range(400, 500)) - {408}
"""408 says that the request did not come in whole, or so the other side thinks."""
_ANY: Final = frozenset(Body)
_API: Final = frozenset({Body.ERROR})
_PAGE: Final = frozenset({Body.JSON, Body.SENT, Body.EMPTY, Body.OTHER})


@frozen(kw_only=True)
class Row:
    """Fits an answer if all that is named fits; what is left out fits anything.

    Attributes:
        name: goes into the detail of our answer; nothing of the vendor's does,
            which quotes addresses.
        bodies: an error of the vendor's own API, if left out.
        names: of the error.
        words: one of them stands in the message.
    """

    name: str
    make: Make
    statuses: frozenset[int] = _4XX
    bodies: frozenset[Body] = _API
    names: frozenset[str] | None = None
    words: tuple[str, ...] = ()

    def fits(self, said: Said) -> bool:
        """Whether this row speaks about such an answer."""
        return (
            said.status in self.statuses
            and said.body in self.bodies
            and (self.names is None or said.name in self.names)
            and (not self.words or any(part in said.words for part in self.words))
        )


def answer(reply: HttpReply) -> Answer:
    """Say what became of a send; what no row knows may be accepted."""
    said = said_by(reply)
    for row in TABLE:
        if row.fits(said):
            return row.make(row.name, reply, said)
    return UnknownOutcome(f"{reply.status} is not in the acceptance table")


# --- what a row makes of an answer


def _accepted(_name: str, _reply: HttpReply, said: Said) -> Answer:
    return Accepted(said.uid)


def _refused(kind: Refusal) -> Make:
    return lambda name, reply, _: Refused(kind, f"{reply.status} {name}")


def _waits(
    signal: SenderSignal | None = None,
    asked: Callable[[HttpReply], timedelta | None] = lambda r: retry_after(r.headers),
) -> Make:
    return lambda name, reply, _: NotAccepted(
        lane=True,
        detail=f"{reply.status} {name}",
        retry_after=asked(reply),
        signal=signal,
    )


def _unclear(name: str, reply: HttpReply, _said: Said) -> Answer:
    return NotAccepted(lane=False, detail=f"{reply.status} {name}")


def _unknown(name: str, reply: HttpReply, _said: Said) -> Answer:
    return UnknownOutcome(f"{reply.status} {name}")


def _soon(reply: HttpReply) -> timedelta | None:
    """`retry-after`, else the seconds until the rate's window ends."""
    asked = retry_after(reply.headers)
    reset = reply.headers.get("ratelimit-reset", "").strip()
    if asked is None and reset.isascii() and reset.isdigit():
        return retry_after({"retry-after": reset})
    return asked


def _next_day(reply: HttpReply) -> timedelta:
    """`retry-after`, else the vendor's next day in UTC, by the answer's own clock.

    A month's quota is asked for again then, too: a plan may have been raised.
    """
    asked = retry_after(reply.headers)
    if asked is not None:
        return asked
    try:
        now = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, OverflowError):
        return QUOTA_UNLESS_TOLD
    now = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)
    return datetime.combine(now.date(), time(), UTC) + timedelta(days=1) - now


# --- the table

_KEY: Final = frozenset(
    {"missing_api_key", "invalid_api_key", "restricted_api_key", "invalid_access"}
)
_QUOTAS: Final = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})
_INVALID: Final = frozenset(
    {
        "validation_error",
        "missing_required_field",
        "missing_required_fields",
        "invalid_parameter",
    }
)
_NEVER: Final = _INVALID | {"invalid_attachment", "invalid_idempotency_key"}
_BROKEN: Final = frozenset({"application_error", "internal_server_error"})
_ELSEWHERE: Final = frozenset({"not_found", "method_not_allowed"})
_NOT_READY: Final = ("domain is not verified", "only send testing emails")
_FROM: Final = ("`from`", "'from'", '"from"', "from address", "from field")
_TO: Final = ("`to`", "'to'", '"to"', "to address", "to field", "recipient")

_later: Final = _waits()
_away: Final = _waits(SenderSignal.DISCONNECTED)
_locked_out: Final = _waits(SenderSignal.AUTH_FAILED)
_never: Final = _refused(Refusal.REJECTED)
_nobody: Final = _refused(Refusal.INVALID_RECIPIENT)

_SUCCESS: Final = frozenset(range(200, 300))

TABLE: Final = (
    Row(
        name="accepted",
        make=_accepted,
        statuses=_SUCCESS,
        bodies=frozenset({Body.SENT}),
    ),
    Row(
        name="success without an id",
        make=_unknown,
        statuses=_SUCCESS,
        bodies=_ANY,
    ),
    # the name says it
    Row(name="internal error", make=_unknown, statuses=_EVERY, names=_BROKEN),
    Row(
        name="our key was taken with another body",
        make=_unknown,
        statuses=_EVERY,
        names=frozenset({"invalid_idempotent_request"}),
    ),
    Row(
        name="our key is being taken just now",
        make=_unknown,
        statuses=_EVERY,
        names=frozenset({"concurrent_idempotent_requests"}),
    ),
    Row(
        name="rate limit",
        make=_waits(asked=_soon),
        names=frozenset({"rate_limit_exceeded"}),
    ),
    Row(name="quota used up", make=_waits(asked=_next_day), names=_QUOTAS),
    Row(name="key not accepted", make=_locked_out, names=_KEY),
    Row(
        name="sender not accepted",
        make=_away,
        names=frozenset({"invalid_from_address"}),
    ),
    Row(name="domain not ready", make=_away, names=_INVALID, words=_NOT_READY),
    Row(name="sender not accepted", make=_away, names=_INVALID, words=_FROM),
    Row(name="wrong recipient", make=_nobody, names=_INVALID, words=_TO),
    Row(name="mail not valid", make=_never, names=_NEVER),
    Row(name="no such place", make=_later, names=_ELSEWHERE),
    # the status says it
    Row(
        name="rate limit",
        make=_waits(asked=_soon),
        statuses=frozenset({429}),
        bodies=_ANY,
    ),
    Row(name="key not accepted", make=_locked_out, statuses=frozenset({401})),
    Row(
        name="key not accepted",
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
    Row(name="mail not valid", make=_never, statuses=frozenset({413, 422})),
    Row(name="refused, reason unclear", make=_unclear),
)
