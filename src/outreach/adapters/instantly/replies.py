"""A reply in the shared inbox of the vendor: the request, and what its answer says."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from outreach.adapters import _json
from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.instantly.acceptance import answer
from outreach.adapters.instantly.api import PAGE, get, post
from outreach.adapters.instantly.hypertext import as_html, as_text, is_sendable
from outreach.adapters.instantly.words import Json, part, plain, thread_parts, uid
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)

__all__ = ["read_reply", "ref_of", "reply_request", "sent_request"]

_SUCCESS: Final = range(200, 300)
_AGAIN: Final = "re:"


def reply_request(parcel: Parcel) -> HttpRequest | Answer:
    """Write an answer to a mail of theirs, or say why it cannot be one.

    The vendor sends it from the mailbox the mail came to, to who wrote it.
    """
    parts = thread_parts(parcel.thread)
    if parts is None:
        return NotAccepted(lane=False, detail="the thread is none of this vendor")
    if not is_sendable(parcel.text) or len(parcel.subject.splitlines()) > 1:
        return Refused(Refusal.REJECTED, "the text is empty or cannot be sent")
    email, account = parts
    subject = plain(parcel.subject).strip()
    if not subject.casefold().startswith(_AGAIN):
        subject = f"Re: {subject}".strip()
    body: Json = {
        "reply_to_uuid": email,
        "eaccount": account,
        "subject": subject,
        "body": {"html": as_html(parcel.text)},
    }
    return post("/emails/reply", body)


def read_reply(reply: HttpReply, parcel: Parcel) -> Answer:
    """What became of it."""
    if reply.status not in _SUCCESS:
        return answer(reply)
    try:
        body = _json.parse(reply.body)
    except _json.Unreadable:
        body = None
    ref = uid(body.get("id")) if isinstance(body, dict) else ""
    if not ref:
        return UnknownOutcome(f"{reply.status} without a mail")
    # The thread stays a mail of theirs: an answer to our own would come back to us.
    return Accepted(ref, parcel.thread)


def sent_request(parcel: Parcel, since: datetime) -> HttpRequest:
    """Ask for mail to the lead that was written by hand since *since*."""
    _, _, account = parcel.thread.partition("|")
    return get(
        "/emails",
        {
            "lead": parcel.to,
            "eaccount": account,
            "email_type": "manual",
            "min_timestamp_created": since.isoformat(),
            "limit": str(PAGE),
        },
    )


def ref_of(items: object, parcel: Parcel) -> str:
    """The vendor's id of the mail that begins with our text; empty: none does.

    The vendor may put a signature and the quoted mail below it.
    """
    ours = _words(parcel.text)
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        body = part(item, "body")
        shown = plain(body.get("text")), as_text(plain(body.get("html")))
        if any(_words(text)[: len(ours)] == ours for text in shown):
            return uid(item.get("id"))
    return ""


def _words(text: str) -> list[str]:
    return text.split()
