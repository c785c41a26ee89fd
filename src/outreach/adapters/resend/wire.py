"""The vendor's REST API (1.5.0) without I/O: requests to make, answers read.

What an answer to a send means stands in `acceptance`. All other answers are read
here; where one cannot be used, the reader raises what the ports promise:
`Misconfigured` where our key is not accepted, else `Unavailable`.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from attrs import field, frozen

from outreach.adapters._http import HttpReply, HttpRequest, retry_after
from outreach.adapters.resend.acceptance import answer
from outreach.adapters.resend.replies import Body, object_in, said_by
from outreach.adapters.resend.words import (
    EVENTS,
    STATUSES,
    Json,
    address,
    mail_ids,
    moment,
    plain,
    texts,
    uid,
)
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import (
    MessageStatus,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
)
from outreach.domain.sender import SenderSignal
from outreach.ports.domains import AccountDomain

__all__ = [
    "EVENT_TYPES",
    "Mail",
    "Webhook",
    "block_request",
    "cancel_request",
    "change_webhook_request",
    "domains_request",
    "mail_request",
    "mails_request",
    "read_blocked",
    "read_cancelled",
    "read_domains",
    "read_mail",
    "read_mails",
    "read_received",
    "read_secret",
    "read_webhooks",
    "received_request",
    "send_request",
    "webhook_request",
    "webhooks_request",
]

EVENT_TYPES: Final = tuple(sorted(EVENTS))
"""What we have sent to us: all that the vendor's contract names."""
PAGE: Final = 100
"""The most that the vendor gives at once."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u0085\u2028\u2029]")
_MORE_THAN_ONE: Final = re.compile(r"[\s<>,;()\"]")
_SUCCESS: Final = range(200, 300)
_NOT_FOUND: Final = 404
_REFUSED: Final = frozenset({400, 409, 422})


@frozen
class Mail:
    """A mail as the vendor lists it.

    Attributes:
        message_id: the one that it really left with; empty before it left.
        text: None if the answer holds none.
        word: the vendor's `last_event`.
    """

    id: str
    sender: str = field(repr=False)
    to: tuple[str, ...] = field(repr=False)
    subject: str = field(repr=False)
    text: str | None = field(repr=False)
    at: datetime | None
    message_id: str
    word: str

    @property
    def status(self) -> MessageStatus:
        """What `last_event` means; UNKNOWN for a word that is new to us."""
        return STATUSES.get(self.word, MessageStatus.UNKNOWN)


@frozen
class Webhook:
    """Where the vendor sends events.

    Attributes:
        events: empty: the answer does not say, or all of them.
    """

    id: str
    url: str = field(repr=False)
    events: frozenset[str]
    enabled: bool


# --- requests


def send_request(parcel: Parcel) -> HttpRequest | Refused:
    """Write a send, or say why the vendor would not take it.

    The attempt is the key under which the vendor knows it for 24 hours, so what is
    written here depends on the parcel alone. The mail's own Message-ID is the
    vendor's to give; ours travels in References, which a reply names again.
    """
    text, subject = parcel.text, parcel.subject
    if not text.strip() or "\x00" in text:
        return Refused(Refusal.REJECTED, "the text is empty or has a NUL character")
    if not subject.strip() or _CONTROL.search(subject):
        return Refused(
            Refusal.REJECTED, "the subject is empty or has control characters"
        )
    if not address(parcel.to) or _MORE_THAN_ONE.search(parcel.to):
        return Refused(Refusal.INVALID_RECIPIENT, "no address")
    body = {
        "from": parcel.sender_number,
        "to": [parcel.to],
        "subject": subject,
        "text": text,
        "headers": _headers(parcel),
        "tags": [
            {"name": "attempt", "value": str(parcel.attempt)},
            {"name": "intent", "value": str(parcel.intent)},
        ],
    }
    try:
        raw = _json(body)
    except UnicodeEncodeError:
        return Refused(Refusal.REJECTED, "the text is not valid Unicode")
    key = {"idempotency-key": str(parcel.attempt)}
    return HttpRequest("POST", "/emails", raw, key)


def _headers(parcel: Parcel) -> dict[str, str]:
    mark = mail_mark(parcel.attempt, parcel.sender_number)
    answered = mail_ids(parcel.thread)[:1]
    headers = {"References": " ".join([*answered, mark])}
    if answered:
        headers["In-Reply-To"] = answered[0]
    if parcel.unsubscribe:
        headers["List-Unsubscribe"] = f"<{parcel.unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def mails_request(after: str = "") -> HttpRequest:
    """Ask for mails we sent, 100 at a time; *after* is the last one's id."""
    return _get("/emails", limit=str(PAGE), **({"after": after} if after else {}))


def mail_request(ref: str) -> HttpRequest:
    """Ask for one mail."""
    return _get(f"/emails/{quote(ref, safe='')}")


def received_request(ref: str) -> HttpRequest:
    """Ask for one mail that came in."""
    return _get(f"/emails/receiving/{quote(ref, safe='')}")


def cancel_request(ref: str) -> HttpRequest:
    """Have a scheduled mail not sent."""
    return HttpRequest("POST", f"/emails/{quote(ref, safe='')}/cancel")


def block_request(to: str) -> HttpRequest:
    """Have nothing more sent to an address."""
    return HttpRequest("POST", "/suppressions", _json({"email": to}))


def domains_request(after: str = "") -> HttpRequest:
    """Ask for the domains of the account."""
    return _get("/domains", limit=str(PAGE), **({"after": after} if after else {}))


def webhooks_request(webhook: str = "") -> HttpRequest:
    """Ask for all webhooks, or for one, whose signing secret it then tells."""
    if webhook:
        return _get(f"/webhooks/{quote(webhook, safe='')}")
    return _get("/webhooks", limit=str(PAGE))


def webhook_request(url: str) -> HttpRequest:
    """Subscribe to every event type we know."""
    body = {"endpoint": url, "events": list(EVENT_TYPES)}
    return HttpRequest("POST", "/webhooks", _json(body))


def change_webhook_request(webhook: str) -> HttpRequest:
    """Have a subscription of ours enabled, and for every event type we know."""
    body = {"events": list(EVENT_TYPES), "status": "enabled"}
    return HttpRequest("PATCH", f"/webhooks/{quote(webhook, safe='')}", _json(body))


# --- answers


def read_mails(reply: HttpReply) -> tuple[tuple[Mail, ...], bool]:
    """A page of mails, and whether there are more."""
    items, more = _items(reply, "its mails")
    return tuple(_mail(item) for item in items), more


def read_mail(reply: HttpReply) -> Mail | None:
    """One mail; None if the vendor does not know it."""
    if _is_unknown(reply):
        return None
    mail = _mail(_object(reply, "a mail"))
    if not mail.id:
        raise _unreadable(reply, "a mail")
    return mail


def read_received(reply: HttpReply) -> Json | None:
    """One mail that came in, as it is; None if the vendor does not know it (any
    more). An object without an id is no mail: what they wrote would be lost with it.
    """
    if _is_unknown(reply):
        return None
    found = _object(reply, "a mail that came in")
    if not uid(found.get("id")):
        raise _unreadable(reply, "a mail that came in")
    return found


def read_cancelled(reply: HttpReply) -> bool:
    """Whether the mail is not sent now; False: it is, or was already."""
    said = said_by(reply)
    if reply.status in _SUCCESS and object_in(said) is not None:
        return True
    if said.body is Body.ERROR and isinstance(answer(reply), Refused):
        return False
    raise _failed(reply, "whether it cancelled a mail")


def read_blocked(reply: HttpReply) -> None:
    """Nothing, if the address gets nothing any more.

    Raises:
        Unavailable, Misconfigured: it may get something.
    """
    said = said_by(reply)
    if reply.status in _SUCCESS and object_in(said) is not None:
        return
    is_error = said.body is Body.ERROR and reply.status in _REFUSED
    if is_error and "already" in said.words:
        return
    raise _failed(reply, "whether it blocked an address")


def read_domains(reply: HttpReply) -> tuple[tuple[AccountDomain, ...], bool, str]:
    """A page of domains, whether there are more, and the last one's id."""
    items, more = _items(reply, "its domains")
    found = [_domain(item) for item in items]
    last = uid(items[-1].get("id")) if items else ""
    return tuple(one for one in found if one is not None), more and bool(last), last


def read_webhooks(reply: HttpReply) -> tuple[Webhook, ...]:
    """What is subscribed to."""
    items, _ = _items(reply, "its webhooks")
    return tuple(
        Webhook(
            id=uid(item.get("id")),
            url=plain(item.get("endpoint")),
            events=frozenset(texts(item.get("events"))),
            enabled=item.get("status") == "enabled",
        )
        for item in items
    )


def read_secret(reply: HttpReply) -> str:
    """The signing secret of a webhook, of the answer that made or showed it.

    Raises:
        Misconfigured: the vendor refuses the address.
    """
    if said_by(reply).body is Body.ERROR and isinstance(answer(reply), Refused):
        message = (
            "resend refused a webhook: the public URL must be https and one that the "
            "vendor can reach"
        )
        raise Misconfigured(message)
    return plain(_object(reply, "a webhook").get("signing_secret"))


def _json(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _get(path: str, **query: str) -> HttpRequest:
    return HttpRequest("GET", f"{path}?{urlencode(query)}" if query else path)


def _is_unknown(reply: HttpReply) -> bool:
    return reply.status == _NOT_FOUND and said_by(reply).body is Body.ERROR


def _object(reply: HttpReply, what: str) -> Json:
    found = object_in(said_by(reply))
    if reply.status not in _SUCCESS or found is None:
        raise _failed(reply, what)
    return found


def _items(reply: HttpReply, what: str) -> tuple[list[Json], bool]:
    found = _object(reply, what)
    items = found.get("data")
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise _unreadable(reply, what)
    return items, found.get("has_more") is True


def _failed(reply: HttpReply, what: str) -> Unavailable | Misconfigured:
    match answer(reply):
        case NotAccepted(signal=SenderSignal.AUTH_FAILED):
            message = (
                f"resend does not accept the API key for this ({reply.status}): set "
                "one with full access, since mail that comes in is read with it, too"
            )
            return Misconfigured(message)
    return _unreadable(reply, what)


def _unreadable(reply: HttpReply, what: str) -> Unavailable:
    message = f"resend did not tell {what}: {reply.status}"
    return Unavailable(message, retry_after=retry_after(reply.headers))


def _mail(item: Json) -> Mail:
    text: Any = item.get("text")
    return Mail(
        id=uid(item.get("id")),
        sender=address(item.get("from")),
        to=tuple(address(one) for one in texts(item.get("to"))),
        subject=plain(item.get("subject")),
        text=text if isinstance(text, str) else None,
        at=moment(item.get("created_at")),
        message_id="".join(mail_ids(item.get("message_id"))[:1]),
        word=plain(item.get("last_event")),
    )


def _domain(item: Json) -> AccountDomain | None:
    name, word = item.get("name"), item.get("status")
    if not isinstance(name, str) or not name:
        return None
    return AccountDomain(
        name.strip().lower(), ready=word == "verified", says=plain(word)[:64]
    )
