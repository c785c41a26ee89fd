"""What an answer to a send proves: one table, the first row that fits.

The vendor's contract names 202, 400, 401, 403, 404, 413 and 500 for a send, its page
of errors 405, 415, 429 and 503 beside them. All errors have one shape without a code;
which field is wrong is named, and only what no field tells is told from a few words of
the message, which is never quoted. The vendor knows no key of ours: a send is never
repeated.

Our reading, where the vendor promises nothing:

- only 202 with an id in ``X-Message-Id`` is accepted. 200 is what the vendor's
  test mode answers, which sends nothing and which we never ask for; whatever it comes
  from, it leaves open what happened;
- an error of the API's own with 4xx comes before the mail is queued;
- every 5xx, the API's own too, may come from something that lost the answer of an API
  that had accepted;
- a page, or a JSON that is not the API's, with 401, 403 or 404 is the edge in front of
  it, which knows nothing about our key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import frozen

from outreach.adapters._http import HttpReply, retry_after
from outreach.adapters.sendgrid.replies import Body, Said, said_by
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

__all__ = ["CREDITS_UNLESS_TOLD", "TABLE", "Row", "answer"]

CREDITS_UNLESS_TOLD: Final = timedelta(hours=1)
"""How long a lane waits for a used-up plan whose answer tells no time at all."""

Make = Callable[[str, HttpReply, Said], Answer]

_4XX: Final = frozenset(range(400, 500)) - {408}
"""408 says that the request did not come in whole, or so the other side thinks."""
_SUCCESS: Final = frozenset(range(200, 300))
_ANY: Final = frozenset(Body)
_API: Final = frozenset({Body.ERROR})
_PAGE: Final = frozenset({Body.JSON, Body.EMPTY, Body.OTHER})
_LONGEST_STAMP: Final = 12


@frozen(kw_only=True)
class Row:
    """Fits an answer if all that is named fits; what is left out fits anything.

    Attributes:
        name: goes into the detail of our answer; nothing of the vendor's does,
            which quotes addresses.
        bodies: an error of the vendor's own API, if left out.
        ref: there is the id of an accepted mail.
        about: an error is about such a field.
        words: one of them stands in a message.
    """

    name: str
    make: Make
    statuses: frozenset[int] = _4XX
    bodies: frozenset[Body] = _API
    ref: bool = False
    about: re.Pattern[str] | None = None
    words: tuple[str, ...] = ()

    def fits(self, said: Said) -> bool:
        """Whether this row speaks about such an answer."""
        return (
            said.status in self.statuses
            and said.body in self.bodies
            and (not self.ref or bool(said.ref))
            and (self.about is None or any(map(self.about.match, said.fields)))
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
    return Accepted(said.ref)


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
    """`Retry-After`, else until `X-RateLimit-Reset` (seconds since 1970), by the
    answer's own clock.
    """
    asked = retry_after(reply.headers)
    reset = reply.headers.get("x-ratelimit-reset", "").strip()
    now = _now_of(reply)
    is_stamp = reset.isascii() and reset.isdigit() and len(reset) <= _LONGEST_STAMP
    if asked is not None or now is None or not is_stamp:
        return asked
    seconds = int(reset) - int(now.timestamp())
    return retry_after({"retry-after": str(seconds)}) if seconds > 0 else None


def _next_day(reply: HttpReply) -> timedelta:
    """`Retry-After`, else the next day in UTC, by the answer's own clock.

    Credits of a month are asked for again then, too: a plan may have been raised.
    """
    asked, now = retry_after(reply.headers), _now_of(reply)
    if asked is not None:
        return asked
    if now is None:
        return CREDITS_UNLESS_TOLD
    return datetime.combine(now.date(), time(), UTC) + timedelta(days=1) - now


def _now_of(reply: HttpReply) -> datetime | None:
    try:
        now = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)


# --- the table

_CREDITS: Final = ("credits exceeded", "messaging limits")
_IDENTITY: Final = ("verified sender identity",)
_FROM: Final = re.compile(r"from(?:$|\.)")
_TO: Final = re.compile(r"personalizations(?:[.\[]\d+\]?)?\.to(?:$|[.\[])")

_later: Final = _waits()
_away: Final = _waits(SenderSignal.DISCONNECTED)
_locked_out: Final = _waits(SenderSignal.AUTH_FAILED)
_never: Final = _refused(Refusal.REJECTED)
_nobody: Final = _refused(Refusal.INVALID_RECIPIENT)

TABLE: Final = (
    Row(
        name="accepted",
        make=_accepted,
        statuses=frozenset({202}),
        bodies=_ANY,
        ref=True,
    ),
    Row(
        name="success without an id",
        make=_unknown,
        statuses=_SUCCESS,
        bodies=_ANY,
    ),
    Row(
        name="rate limit",
        make=_waits(asked=_soon),
        statuses=frozenset({429}),
        bodies=_ANY,
    ),
    Row(name="plan used up", make=_waits(asked=_next_day), words=_CREDITS),
    Row(name="sender not verified", make=_away, words=_IDENTITY),
    Row(
        name="sender not accepted",
        make=_away,
        statuses=frozenset({400, 403}),
        about=_FROM,
    ),
    Row(
        name="wrong recipient",
        make=_nobody,
        statuses=frozenset({400}),
        about=_TO,
    ),
    Row(name="mail not valid", make=_never, statuses=frozenset({400, 413})),
    Row(name="key not accepted", make=_locked_out, statuses=frozenset({401, 403})),
    Row(
        name="key not accepted",
        make=_locked_out,
        statuses=frozenset({401}),
        bodies=frozenset({Body.JSON, Body.EMPTY}),
    ),
    Row(name="no such place", make=_later, statuses=frozenset({404, 405})),
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
