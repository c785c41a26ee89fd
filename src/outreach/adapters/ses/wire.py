"""The vendor's REST API (SES v2, 2019-09-27) without I/O: requests, answers read.

What an answer to a send means stands in `acceptance`. All other answers are read
here; where one cannot be used, the reader raises what the ports promise:
`Misconfigured` where our key is not accepted, else `Unavailable`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from attrs import frozen

from outreach.adapters._http import HttpReply, HttpRequest, retry_after
from outreach.adapters.ses.acceptance import CLOCK, CREDENTIALS, SKEWED
from outreach.adapters.ses.replies import Body, object_in, said_by
from outreach.adapters.ses.words import Json, header, part, parts, wire_address, word
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import Parcel, Refusal, Refused
from outreach.ports.domains import AccountDomain

__all__ = [
    "REASONS",
    "Standing",
    "account_request",
    "block_request",
    "identities_request",
    "read_blocked",
    "read_identities",
    "read_set",
    "read_standing",
    "send_request",
    "set_request",
]

PAGE: Final = 1_000
"""The most that the vendor gives at once."""
REASONS: Final = ("COMPLAINT", "BOUNCE")
"""Under which an address can be suppressed, the first that the account heeds."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u0085\u2028\u2029]")
_MORE_THAN_ONE: Final = re.compile(r"[\s<>,;()\"]")
_MOST: Final = 2**31 - 1
_LONGEST_HEADER: Final = 996
"""Characters of a header's name and value together."""
_SUCCESS: Final = range(200, 300)
_NOT_FOUND: Final = 404
_DOMAINS: Final = frozenset({"DOMAIN", "MANAGED_DOMAIN"})


@frozen
class Standing:
    """What the vendor says of the whole account.

    Attributes:
        sends: it may send at all; *says*: why not.
        reasons: those for which its suppression list is heeded.
        used, limit: mails of the last 24 hours, rolling; None: not told, no bound.
    """

    sends: bool
    says: str
    reasons: tuple[str, ...]
    used: int | None
    limit: int | None


# --- requests


def send_request(parcel: Parcel, configuration_set: str = "") -> HttpRequest | Refused:
    """Write a send, or say why the vendor would not take it.

    The mail's own Message-ID is the vendor's to give; ours travels in References,
    which a reply names again, and in the tags, which events name again.
    """
    text, subject = parcel.text, parcel.subject
    if not text.strip() or "\x00" in text:
        return Refused(Refusal.REJECTED, "the text is empty or has a NUL character")
    if not subject.strip() or _CONTROL.search(subject):
        return Refused(
            Refusal.REJECTED, "the subject is empty or has control characters"
        )
    sender, to = wire_address(parcel.sender_number), wire_address(parcel.to)
    if not sender or not sender.isascii():
        return Refused(Refusal.REJECTED, "the sender's address is none")
    if not to or _MORE_THAN_ONE.search(parcel.to) or not to.isascii():
        return Refused(Refusal.INVALID_RECIPIENT, "no address that the vendor takes")
    headers = _headers(parcel, sender)
    if not all(_fits(name, value) for name, value in headers.items()):
        return Refused(Refusal.REJECTED, "a header is too long or not ASCII")
    body: Json = {
        "FromEmailAddress": sender,
        "Destination": {"ToAddresses": [to]},
        "Content": {
            "Simple": {
                "Subject": {"Data": subject, "Charset": "UTF-8"},
                "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                "Headers": [{"Name": n, "Value": v} for n, v in headers.items()],
            }
        },
        "EmailTags": [
            {"Name": "attempt", "Value": str(parcel.attempt)},
            {"Name": "intent", "Value": str(parcel.intent)},
        ],
    }
    if configuration_set:
        body["ConfigurationSetName"] = configuration_set
    try:
        raw = _json(body)
    except UnicodeEncodeError:
        return Refused(Refusal.REJECTED, "the text is not valid Unicode")
    return HttpRequest("POST", "/v2/email/outbound-emails", raw)


def _headers(parcel: Parcel, sender: str) -> dict[str, str]:
    mark, answered = mail_mark(parcel.attempt, sender), header(parcel.thread)
    headers = {"References": " ".join(filter(None, [answered, mark]))}
    if answered:
        headers["In-Reply-To"] = answered
    if parcel.unsubscribe:
        headers["List-Unsubscribe"] = f"<{parcel.unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _fits(name: str, value: str) -> bool:
    """The vendor takes printable ASCII only, and folds nothing."""
    is_plain = value.isascii() and value.isprintable()
    return is_plain and len(name) + len(value) <= _LONGEST_HEADER


def account_request() -> HttpRequest:
    """Ask how the account stands."""
    return HttpRequest("GET", "/v2/email/account")


def set_request(name: str) -> HttpRequest:
    """Ask for one configuration set."""
    return HttpRequest("GET", f"/v2/email/configuration-sets/{quote(name, safe='')}")


def identities_request(after: str = "") -> HttpRequest:
    """Ask for what the account may send from; *after* goes on with a list."""
    body: Json = {"PageSize": PAGE, **({"NextToken": after} if after else {})}
    return HttpRequest("POST", "/v2/email/list-identities", _json(body))


def block_request(to: str, reason: str) -> HttpRequest:
    """Have nothing more sent to an address."""
    body = {"EmailAddress": wire_address(to) or to, "Reason": reason}
    return HttpRequest("PUT", "/v2/email/suppression/addresses", _json(body))


# --- answers


def read_standing(reply: HttpReply) -> Standing:
    """How the account stands."""
    found = _object(reply, "its account")
    enabled = found.get("SendingEnabled")
    enforced = word(found.get("EnforcementStatus"))
    quota = part(found, "SendQuota")
    stopped = enabled is not True or enforced == "SHUTDOWN"
    return Standing(
        sends=not stopped,
        says=f"sending is off ({enforced or 'no reason given'})" if stopped else "",
        reasons=_reasons(part(found, "SuppressionAttributes")),
        used=_count(quota.get("SentLast24Hours"), math.ceil),
        limit=_count(quota.get("Max24HourSend"), math.floor),
    )


def read_set(reply: HttpReply) -> tuple[str, ...] | None:
    """The reasons for which this set heeds the suppression list; None: it leaves that
    to the account.

    Raises:
        Misconfigured: there is no such set.
    """
    said = said_by(reply)
    if reply.status == _NOT_FOUND and said.body is Body.ERROR:
        message = (
            "ses has no such configuration set: correct "
            "OUTREACH_SES_CONFIGURATION_SET, or make one of that name in that region"
        )
        raise Misconfigured(message)
    options = _object(reply, "its configuration set").get("SuppressionOptions")
    if not isinstance(options, dict) or "SuppressedReasons" not in options:
        return None
    return _reasons(options)


def read_identities(reply: HttpReply) -> tuple[tuple[AccountDomain, ...], str]:
    """A page of domains, and how the list goes on; empty: it ends.

    An address that was verified alone is left out: it says nothing of its domain.
    """
    found = _object(reply, "its identities")
    listed = found.get("EmailIdentities")
    if not isinstance(listed, list):
        raise _unreadable(reply, "its identities")
    after = found.get("NextToken")
    domains = [_domain(one) for one in parts(listed)]
    return (
        tuple(one for one in domains if one is not None),
        after if isinstance(after, str) else "",
    )


def read_blocked(reply: HttpReply) -> None:
    """Nothing, if the address is on the list.

    Raises:
        Unavailable, Misconfigured: it may not be.
    """
    _object(reply, "whether it blocked an address")


def _domain(item: Json) -> AccountDomain | None:
    name = item.get("IdentityName")
    if item.get("IdentityType") not in _DOMAINS or not isinstance(name, str):
        return None
    return AccountDomain(
        name.strip().lower(),
        ready=item.get("SendingEnabled") is True,
        says=word(item.get("VerificationStatus")).lower(),
    )


def _reasons(said: Json) -> tuple[str, ...]:
    listed = said.get("SuppressedReasons")
    known = listed if isinstance(listed, list) else []
    return tuple(one for one in REASONS if one in known)


def _count(said: object, to_whole: Callable[[float], int]) -> int | None:
    """A number of mails; -1 is the vendor's word for no bound."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return to_whole(said) if 0 <= said <= _MOST else None


def _json(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _object(reply: HttpReply, what: str) -> Json:
    found = object_in(said_by(reply))
    if reply.status not in _SUCCESS or found is None:
        raise _failed(reply, what)
    return found


def _failed(reply: HttpReply, what: str) -> Unavailable | Misconfigured:
    said = said_by(reply)
    skewed = any(one in said.words for one in SKEWED)
    if said.code in CLOCK or (said.code in CREDENTIALS and skewed):
        message = "ses says that our clock is off: set the clock of this machine"
        return Misconfigured(message)
    if said.code in CREDENTIALS:
        message = (
            f"ses does not accept the access key for this ({said.code}): correct "
            "OUTREACH_SES_ACCESS_KEY_ID, its secret and region, and give it the rights "
            "that the documentation names"
        )
        return Misconfigured(message)
    return _unreadable(reply, what)


def _unreadable(reply: HttpReply, what: str) -> Unavailable:
    message = f"ses did not tell {what}: {reply.status}"
    return Unavailable(message, retry_after=retry_after(reply.headers))
