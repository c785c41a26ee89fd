"""What an answer to a send proves: one table, the first row that fits.

The names are those of the API's model (``SendEmail``) and of AWS's common errors. The
name decides where there is one; a message is used only to tell what a name leaves open,
and is never quoted.

Our reading, where the vendor promises nothing:

- a name of the API's own with 4xx comes before the mail is queued;
- every 5xx, the API's own too, may come from something that lost the answer of an API
  that had accepted, and so may a success without an id. The vendor has no key by which
  a mail could be given again, so such a mail is never given again;
- a page, or a JSON without a name, with 401, 403 or 404 is the edge in front of the
  API, which knows nothing about our key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from attrs import frozen

from outreach.adapters._http import HttpReply, retry_after
from outreach.adapters.ses.replies import Body, Said, said_by
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

__all__ = [
    "CLOCK",
    "CREDENTIALS",
    "QUOTA_UNLESS_TOLD",
    "SKEWED",
    "TABLE",
    "Row",
    "answer",
]

QUOTA_UNLESS_TOLD: Final = timedelta(hours=1)
"""How long a lane waits for a quota of rolling 24 hours: it comes back bit by bit."""

Make = Callable[[str, HttpReply, Said], Answer]

_EVERY: Final = frozenset(range(100, 600))
_4XX: Final = frozenset(range(400, 500)) - {408}
"""408 says that the request did not come in whole, or so the other side thinks."""
_ANY: Final = frozenset(Body)
_API: Final = frozenset({Body.ERROR})
_PAGE: Final = _ANY - _API


@frozen(kw_only=True)
class Row:
    """Fits an answer if all that is named fits; what is left out fits anything.

    Attributes:
        name: goes into the detail of our answer; nothing of the vendor's does,
            which quotes addresses.
        bodies: an error of the vendor's own API, if left out.
        codes: names of the error.
        words: one of them stands in the message.
    """

    name: str
    make: Make
    statuses: frozenset[int] = _4XX
    bodies: frozenset[Body] = _API
    codes: frozenset[str] | None = None
    words: tuple[str, ...] = ()

    def fits(self, said: Said) -> bool:
        """Whether this row speaks about such an answer."""
        return (
            said.status in self.statuses
            and said.body in self.bodies
            and (self.codes is None or said.code in self.codes)
            and (not self.words or any(one in said.words for one in self.words))
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
    signal: SenderSignal | None = None, unless_told: timedelta | None = None
) -> Make:
    return lambda name, reply, _: NotAccepted(
        lane=True,
        detail=f"{reply.status} {name}",
        retry_after=retry_after(reply.headers) or unless_told,
        signal=signal,
    )


def _unclear(name: str, reply: HttpReply, _said: Said) -> Answer:
    return NotAccepted(lane=False, detail=f"{reply.status} {name}")


def _unknown(name: str, reply: HttpReply, _said: Said) -> Answer:
    return UnknownOutcome(f"{reply.status} {name}")


# --- the table

CREDENTIALS: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
CLOCK: Final = frozenset(
    {"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"}
)
SKEWED: Final = ("signature expired", "not yet current", "request has expired")
"""A signature that is good, made by a clock that is off."""
_RATE: Final = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)
_QUOTA: Final = frozenset({"LimitExceeded", "LimitExceededException"})
_USED_UP: Final = ("daily message quota", "daily sending quota", "24-hour", "24 hour")
_INVALID: Final = frozenset(
    {
        "BadRequest",
        "BadRequestException",
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "MalformedQueryString",
        "MissingParameter",
        "SerializationException",
        "ValidationError",
        "ValidationException",
    }
)
_SET: Final = ("configuration set", "configurationset", "configuration-set")
_NOT_READY: Final = ("not verified", "not authorized to send")
_ADDRESS: Final = (
    "illegal address",
    "invalid email address",
    "invalid recipient",
    "missing final '@domain'",
    "missing '@domain'",
    "missing domain",
    "domain starts with dot",
    "domain ends with dot",
    "domain contains",
    "local address contains",
    "invalid domain name",
    "user name is missing",
)

_later: Final = _waits()
_away: Final = _waits(SenderSignal.DISCONNECTED)
_locked_out: Final = _waits(SenderSignal.AUTH_FAILED)
_used_up: Final = _waits(unless_told=QUOTA_UNLESS_TOLD)
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
    Row(name="quota used up", make=_used_up, codes=_RATE, words=_USED_UP),
    Row(name="rate limit", make=_later, codes=_RATE),
    Row(name="quota used up", make=_used_up, codes=_QUOTA),
    Row(
        name="account suspended",
        make=_away,
        codes=frozenset({"AccountSuspended", "AccountSuspendedException"}),
    ),
    Row(
        name="sending paused",
        make=_away,
        codes=frozenset({"SendingPaused", "SendingPausedException"}),
    ),
    Row(
        name="MAIL FROM domain not ready",
        make=_away,
        codes=frozenset(
            {"MailFromDomainNotVerified", "MailFromDomainNotVerifiedException"}
        ),
    ),
    Row(
        name="no such configuration set",
        make=_away,
        codes=frozenset(
            {
                "NotFound",
                "NotFoundException",
                "ConfigurationSetDoesNotExist",
                "ConfigurationSetDoesNotExistException",
            }
        ),
    ),
    Row(
        name="no such configuration set",
        make=_away,
        codes=_INVALID,
        words=_SET,
    ),
    Row(
        name="domain not ready",
        make=_away,
        codes=_INVALID | {"MessageRejected"},
        words=_NOT_READY,
    ),
    Row(name="wrong recipient", make=_nobody, codes=_INVALID, words=_ADDRESS),
    Row(name="mail not valid", make=_never, codes=_INVALID | {"MessageRejected"}),
    Row(name="our clock is off", make=_later, codes=CLOCK),
    Row(name="our clock is off", make=_later, codes=CREDENTIALS, words=SKEWED),
    Row(name="key not accepted", make=_locked_out, codes=CREDENTIALS),
    # the status says it
    Row(
        name="rate limit",
        make=_later,
        statuses=frozenset({429}),
        bodies=_ANY,
    ),
    Row(
        name="mail too large",
        make=_never,
        statuses=frozenset({413}),
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
)
