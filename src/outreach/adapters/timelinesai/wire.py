"""TimelinesAI's public API 1.3.0 without I/O: requests to make, answers read.

What an answer to a send means stands in `acceptance`. All other answers are read
here; where one cannot be used, the reader raises what the ports promise:
`Misconfigured` where our token is not accepted, else `Unavailable`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from attrs import field, frozen

from outreach.adapters._http import HttpReply, HttpRequest, retry_after
from outreach.adapters.timelinesai.acceptance import answer
from outreach.adapters.timelinesai.replies import Body, said_by
from outreach.adapters.timelinesai.words import (
    Json,
    chat_id,
    moment,
    number_of_jid,
    phone,
    status,
    uid,
)
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.message import (
    MessageStatus,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
)
from outreach.domain.sender import SenderSignal, SenderState
from outreach.ports.gateway import AccountSender, Status

__all__ = [
    "EVENT_TYPES",
    "Chat",
    "Line",
    "Page",
    "Webhook",
    "accounts_request",
    "chats_request",
    "data_of",
    "history_request",
    "listed",
    "message_request",
    "page_of",
    "read_accounts",
    "read_chats",
    "read_history",
    "read_status",
    "read_webhook",
    "read_webhooks",
    "send_request",
    "subscribe_request",
    "unreadable",
    "webhooks_request",
]

EVENT_TYPES: Final = (
    "message:sent:new",
    "message:received:new",
    "message:reaction",
    "whatsapp:account:connected",
    "whatsapp:account:disconnected",
    "whatsapp:account:suspended",
    "whatsapp:account:resumed",
)
"""What `TimelinesReader` reads; a workspace has room for 10 webhooks by default."""

_CONNECTED: Final = "active"
_DISCONNECTED: Final = "disconnected"
"""The only other word: logged out, suspended, paused and banned look alike."""
_NUL: Final = "\x00"
_SUCCESS: Final = range(200, 300)
_NOT_FOUND: Final = 404
_REFUSED: Final = frozenset({400, 409, 422})

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """Up to 50 things, and whether there are more."""

    items: tuple[T, ...]
    has_more: bool


@frozen
class Chat:
    """A conversation; *account* and *contact* are phones, empty for groups.

    Attributes:
        last: time of the last message in it; None: there is none.
        group: of many people; nobody in it is a lead.
    """

    id: str
    account: str
    contact: str = field(repr=False)
    last: datetime | None = None
    group: bool = False


@frozen
class Line:
    """A message in a conversation's history."""

    uid: str
    sender: str
    text: str = field(repr=False)
    at: datetime | None


@frozen
class Webhook:
    """Where the vendor sends one type of event.

    Attributes:
        id: the vendor's; empty for one that is only wanted.
    """

    event_type: str
    url: str = field(repr=False)
    enabled: bool
    id: str = field(default="", eq=False)

    def is_elsewhere(self, wanted: Webhook) -> bool:
        """Whether it is *wanted* as it was registered under an earlier address.

        The path holds our own token, so a webhook of that path is ours.
        """
        here, there = urlsplit(self.url), urlsplit(wanted.url)
        return (
            self.event_type == wanted.event_type
            and here.path == there.path
            and self.url != wanted.url
        )


# --- requests


def send_request(parcel: Parcel) -> HttpRequest | Refused | NotAccepted:
    """Write a send, or say why the vendor would not take it.

    A chat belongs to one account, which cannot be named; a first touch names it,
    else the account connected last would send.
    """
    body = {"text": parcel.text}
    if parcel.thread:
        if not chat_id(parcel.thread):
            return NotAccepted(
                lane=False, detail="the thread is no chat of this vendor"
            )
        path = f"/chats/{parcel.thread}/messages"
    else:
        path = "/messages"
        body |= {"phone": parcel.to, "whatsapp_account_phone": parcel.sender_number}
    if not parcel.text or _NUL in parcel.text:
        return Refused(Refusal.REJECTED, "the text is empty or has a NUL character")
    try:
        return HttpRequest("POST", path, _json(body))
    except UnicodeEncodeError:
        return Refused(Refusal.REJECTED, "the text is not valid Unicode")


def chats_request(contact: str, page: int) -> HttpRequest:
    """Ask for the chats with a phone (E.164), 50 a page, from 1."""
    return listed("/chats", phone=contact, page=str(page))


def history_request(chat: str, since: date, after: str = "") -> HttpRequest:
    """Ask for what our account wrote in a chat, oldest first, 50 at a time.

    *since* is read in the workspace's zone, which we do not know: leave a day of
    room. *after* is the id of the message to go on after.
    """
    query = {"from_me": "true", "after": since.isoformat(), "sorting_order": "asc"}
    if after:
        query["after_message"] = after
    return listed(f"/chats/{chat}/messages", **query)


def message_request(ref: str) -> HttpRequest:
    """Ask for one message."""
    return listed(f"/messages/{quote(ref, safe='')}")


def accounts_request() -> HttpRequest:
    """Ask for the connected numbers."""
    return listed("/whatsapp_accounts")


def webhooks_request() -> HttpRequest:
    """Ask for what is subscribed to."""
    return listed("/webhooks")


def subscribe_request(event_type: str, url: str) -> HttpRequest:
    """Subscribe; the vendor promises that a second time changes nothing."""
    body = {"event_type": event_type, "url": url, "enabled": True}
    return HttpRequest("POST", "/webhooks", _json(body))


def move_request(webhook: Webhook, url: str) -> HttpRequest:
    """Have an existing subscription sent to another address."""
    body = {"event_type": webhook.event_type, "url": url, "enabled": True}
    return HttpRequest("PUT", f"/webhooks/{quote(webhook.id, safe='')}", _json(body))


# --- answers


def read_chats(reply: HttpReply) -> Page[Chat]:
    """Read a page of chats."""
    return page_of(reply, "chats", _chat)


def read_history(reply: HttpReply) -> Page[Line]:
    """Read a page of a chat's messages."""
    return page_of(reply, "messages", _line)


def read_status(ref: str, reply: HttpReply) -> Status | None:
    """Read how far a message came, None if the API does not know it.

    The vendor's time is that of the message's creation, which is when it was sent.
    """
    if reply.status == _NOT_FOUND and said_by(reply).body is Body.ERROR:
        return None
    data = data_of(reply, "a message")
    if not isinstance(data, dict) or uid(data.get("uid")) != ref:
        raise unreadable(reply, "a message")
    reached = status(data.get("status"))
    is_sent = reached is MessageStatus.SENT
    return Status(
        ref=ref,
        status=reached,
        at=moment(data.get("timestamp")) if is_sent else None,
        thread=chat_id(data.get("chat_id")),
        sender=phone(data.get("sender_phone")) if data.get("from_me") is True else "",
    )


def read_accounts(reply: HttpReply) -> tuple[AccountSender, ...]:
    """Read the numbers of a workspace; one that is no phone is left out."""
    found = (_account(item) for item in _items(reply, "whatsapp_accounts"))
    return tuple(account for account in found if account is not None)


def read_webhooks(reply: HttpReply) -> tuple[Webhook, ...]:
    """Read what is subscribed to."""
    data = data_of(reply, "the webhooks")
    if not isinstance(data, list):
        raise unreadable(reply, "the webhooks")
    return tuple(_webhook(item) for item in data if isinstance(item, dict))


def read_webhook(reply: HttpReply) -> Webhook:
    """Read the answer to a subscription.

    Raises:
        Misconfigured: the vendor refuses the address, or has no room for it.
    """
    said = said_by(reply)
    if reply.status in _REFUSED and said.body is Body.ERROR:
        message = (
            "timelinesai refused a webhook: the public URL must be one that the vendor "
            "can reach, and a workspace has room for 10 webhooks unless it has bought "
            "more (delete those of earlier addresses on its webhooks page)"
        )
        raise Misconfigured(message)
    data = data_of(reply, "a webhook")
    if not isinstance(data, dict):
        raise unreadable(reply, "a webhook")
    return _webhook(data)


def _json(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def listed(path: str, **query: str) -> HttpRequest:
    """Ask for something."""
    return HttpRequest("GET", f"{path}?{urlencode(query)}" if query else path)


def data_of(reply: HttpReply, what: str) -> Any:
    """What stands under `data` in an answer that is ok; *what* it tells, for errors."""
    said = said_by(reply)
    if reply.status in _SUCCESS and said.body in {Body.OK, Body.SENT}:
        return said.data
    match answer(reply, sender=""):
        case NotAccepted(signal=SenderSignal.AUTH_FAILED):
            message = (
                f"timelinesai does not accept the API key ({reply.status}): set the "
                "one that its Public API page shows"
            )
            raise Misconfigured(message)
    raise unreadable(reply, what)


def unreadable(reply: HttpReply, what: str) -> Unavailable:
    """An answer that does not tell *what* it was asked."""
    message = f"timelinesai did not tell {what}: {reply.status}"
    return Unavailable(message, retry_after=retry_after(reply.headers))


def _items(reply: HttpReply, name: str) -> list[Json]:
    data = data_of(reply, f"its {name}")
    items = data.get(name) if isinstance(data, dict) else None
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise unreadable(reply, f"its {name}")
    return items


def page_of(reply: HttpReply, name: str, read: Callable[[Json], T]) -> Page[T]:
    """Read a page of what the API calls *name*."""
    items = _items(reply, name)
    more = said_by(reply).data.get("has_more_pages") is True
    return Page(tuple(read(item) for item in items), more)


def _chat(item: Json) -> Chat:
    return Chat(
        id=chat_id(item.get("id")),
        account=number_of_jid(item.get("whatsapp_account_id")),
        contact=phone(item.get("phone")) if item.get("is_group") is False else "",
        last=moment(item.get("last_message_timestamp")),
        group=item.get("is_group") is True,
    )


def _line(item: Json) -> Line:
    text = item.get("text")
    return Line(
        uid=uid(item.get("uid")),
        sender=phone(item.get("sender_phone")),
        text=text if isinstance(text, str) else "",
        at=moment(item.get("timestamp")) or moment(item.get("received_timestamp")),
    )


def _account(item: Json) -> AccountSender | None:
    ref = uid(item.get("id"))
    number = phone(item.get("phone")) or number_of_jid(ref)
    word = item.get("status")
    word = word.strip().lower() if isinstance(word, str) else ""
    if not number:
        return None
    return AccountSender(
        number=number,
        ref=ref,
        connected=word == _CONNECTED,
        state=SenderState.OFFLINE if word == _DISCONNECTED else None,
    )


def _webhook(item: Json) -> Webhook:
    event_type, url = item.get("event_type"), item.get("url")
    return Webhook(
        event_type=event_type if isinstance(event_type, str) else "",
        url=url if isinstance(url, str) else "",
        enabled=item.get("enabled") is True,
        id=str(item.get("id", "")),
    )
