"""The vendor's v3 Web API without I/O: requests to make, answers read.

What an answer to a send means stands in `acceptance`. All other answers are read
here; where one cannot be used, the reader raises what the ports promise:
`Misconfigured` where our key is not accepted, else `Unavailable`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import quote, urlencode

from attrs import field, frozen

from outreach.adapters._http import HttpReply, HttpRequest, retry_after
from outreach.adapters.sendgrid.acceptance import answer
from outreach.adapters.sendgrid.replies import Body, said_by
from outreach.adapters.sendgrid.words import (
    ATTEMPT,
    INTENT,
    SWITCHES,
    Json,
    address,
    mail_id,
    plain,
    uid,
)
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import NotAccepted, Parcel, Refusal, Refused
from outreach.domain.sender import SenderSignal
from outreach.ports.domains import AccountDomain

__all__ = [
    "PAGE",
    "Webhook",
    "block_request",
    "change_webhook_request",
    "domains_request",
    "read_blocked",
    "read_domains",
    "read_key",
    "read_webhook",
    "read_webhooks",
    "send_request",
    "sign_request",
    "webhook_request",
    "webhooks_request",
]

PAGE: Final = 50
"""Domains asked for at once."""

_HOOKS: Final = "/v3/user/webhooks/event/settings"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u0085\u2028\u2029]")
_MORE_THAN_ONE: Final = re.compile(r"[\s<>,;()\"]")
_SUCCESS: Final = range(200, 300)
_UNTOUCHED: Final = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
"""Whatever the account's own settings are: no link is rewritten, no picture and no
link of the vendor's is put in."""


@frozen
class Webhook:
    """Where the vendor sends events.

    Attributes:
        whole: it is on, for every event type we know.
    """

    id: str
    url: str = field(repr=False)
    whole: bool


# --- requests


def send_request(parcel: Parcel) -> HttpRequest | Refused:
    """Write a send, or say why the vendor would not take it.

    The mail's own Message-ID is the vendor's to give; ours travels in References,
    which a reply names again, and our ids in what the vendor's events repeat. Those
    are kept for good and shown to the vendor's staff, so nothing else is in them.
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
    ids = {ATTEMPT: str(parcel.attempt), INTENT: str(parcel.intent)}
    body = {
        "personalizations": [
            {
                "to": [{"email": parcel.to}],
                "headers": _headers(parcel),
                "custom_args": ids,
            }
        ],
        "from": {"email": parcel.sender_number},
        "subject": subject,
        "content": [{"type": "text/plain", "value": text}],
        "mail_settings": {"footer": {"enable": False}},
        "tracking_settings": _UNTOUCHED,
    }
    try:
        raw = _json(body)
    except UnicodeEncodeError:
        return Refused(Refusal.REJECTED, "the text is not valid Unicode")
    return HttpRequest("POST", "/v3/mail/send", raw)


def _headers(parcel: Parcel) -> dict[str, str]:
    mark = mail_mark(parcel.attempt, parcel.sender_number)
    answered = mail_id(parcel.thread)
    headers = {"References": " ".join(filter(None, (answered, mark)))}
    if answered:
        headers["In-Reply-To"] = answered
    if parcel.unsubscribe:
        headers["List-Unsubscribe"] = f"<{parcel.unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def block_request(to: str) -> HttpRequest:
    """Have nothing more sent to an address."""
    body = {"recipient_emails": [to]}
    return HttpRequest("POST", "/v3/asm/suppressions/global", _json(body))


def domains_request(offset: int = 0) -> HttpRequest:
    """Ask for the domains that the account has authenticated."""
    query = urlencode({"limit": PAGE, "offset": offset})
    return HttpRequest("GET", f"/v3/whitelabel/domains?{query}")


def webhooks_request() -> HttpRequest:
    """Ask for all event webhooks."""
    return HttpRequest("GET", f"{_HOOKS}/all")


def webhook_request(url: str) -> HttpRequest:
    """Subscribe to every event type we know."""
    return HttpRequest("POST", _HOOKS, _json(_switches(url)))


def change_webhook_request(webhook: Webhook) -> HttpRequest:
    """Have a subscription of ours on, and for every event type we know."""
    path = f"{_HOOKS}/{quote(webhook.id, safe='')}"
    return HttpRequest("PATCH", path, _json(_switches(webhook.url)))


def sign_request(webhook: str) -> HttpRequest:
    """Have a webhook signed; the answer shows its verification key."""
    path = f"{_HOOKS}/signed/{quote(webhook, safe='')}"
    return HttpRequest("PATCH", path, _json({"enabled": True}))


# --- answers


def read_blocked(reply: HttpReply, to: str) -> None:
    """Nothing, if the address gets nothing any more.

    Raises:
        Unavailable, Misconfigured: it may get something.
    """
    what = "whether it blocked an address"
    listed = _object(reply, what).get("recipient_emails")
    if isinstance(listed, list) and address(to) in map(address, listed):
        return
    raise _unreadable(reply, what)


def read_domains(reply: HttpReply) -> tuple[tuple[int, AccountDomain], ...]:
    """A page of domains, with the vendor's id of each."""
    what = "its domains"
    data = said_by(reply).data
    if reply.status not in _SUCCESS:
        raise _failed(reply, what)
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise _unreadable(reply, what)
    return tuple(found for found in map(_domain, data) if found is not None)


def read_webhooks(reply: HttpReply) -> tuple[Webhook, ...]:
    """What is subscribed to."""
    what = "its webhooks"
    items = _object(reply, what).get("webhooks")
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise _unreadable(reply, what)
    return tuple(
        Webhook(
            id=uid(item.get("id")),
            url=plain(item.get("url")),
            whole=all(item.get(name) is True for name in ("enabled", *SWITCHES)),
        )
        for item in items
    )


def read_webhook(reply: HttpReply) -> str:
    """The id of a webhook that was made or changed.

    Raises:
        Misconfigured: the vendor refuses the address, or one more webhook.
    """
    said = said_by(reply)
    if said.body is Body.ERROR and isinstance(answer(reply), Refused):
        message = (
            "sendgrid refused a webhook: the public URL must be https and one that the "
            "vendor can reach, and the plan must have room for another webhook"
        )
        raise Misconfigured(message)
    found = uid(_object(reply, "a webhook").get("id"))
    if not found:
        raise _unreadable(reply, "a webhook")
    return found


def read_key(reply: HttpReply) -> str:
    """The verification key of a webhook that is signed."""
    return plain(_object(reply, "a verification key").get("public_key"))


def _switches(url: str) -> Json:
    return {"enabled": True, "url": url, **dict.fromkeys(SWITCHES, True)}


def _json(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _object(reply: HttpReply, what: str) -> Json:
    said = said_by(reply)
    good = reply.status in _SUCCESS and said.body is Body.JSON
    if not good or not isinstance(said.data, dict):
        raise _failed(reply, what)
    return said.data


def _failed(reply: HttpReply, what: str) -> Unavailable | Misconfigured:
    match answer(reply):
        case NotAccepted(signal=SenderSignal.AUTH_FAILED):
            message = (
                f"sendgrid does not accept the API key for this ({reply.status}): give "
                "it full access, or the rights that docs/providers.md names"
            )
            return Misconfigured(message)
    return _unreadable(reply, what)


def _unreadable(reply: HttpReply, what: str) -> Unavailable:
    message = f"sendgrid did not tell {what}: {reply.status}"
    return Unavailable(message, retry_after=retry_after(reply.headers))


def _domain(item: Json) -> tuple[int, AccountDomain] | None:
    number: Any = item.get("id")
    name = item.get("domain")
    if not isinstance(name, str) or not name or not isinstance(number, int):
        return None
    ready = item.get("valid") is True
    says = "valid" if ready else "not valid"
    return number, AccountDomain(name.strip().lower(), ready=ready, says=says)
