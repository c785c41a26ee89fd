"""Reads Instantly's webhooks. No I/O; no bytes make it raise.

The vendor signs nothing and numbers nothing: the header that it was given vouches for
a body, and a key is made of what identifies the event. The same delivery again, by the
vendor's own tries or from its log of lost ones, has the same key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from outreach.adapters import _json
from outreach.adapters.instantly.campaigns import NAME_BEGINS
from outreach.adapters.instantly.hypertext import as_text
from outreach.adapters.instantly.words import (
    ATTEMPT,
    EVENTS,
    PROVIDER,
    Json,
    address_of,
    moment,
    plain,
    thread_of,
    uid,
)
from outreach.domain.address import email_keys
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

__all__ = ["InstantlyReader"]

_REPLIES: Final = frozenset({EventType.REPLY, EventType.AUTO_REPLY})
_OURS: Final = frozenset({EventType.SENT})
_SAME: Final = {"email_link_clicked": "link_clicked"}
"""What is subscribed to by one name and delivered by another is one event."""
_LONGEST_CONTENT: Final = 200_000
_LONGEST_DETAIL: Final = 64


@frozen
class InstantlyReader:
    """Implements :class:`outreach.ports.gateway.Reads`."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`."""
        try:
            body = _json.parse(raw)
        except _json.Unreadable as error:
            return [_unknown(_fingerprint(raw), str(error))]
        if not isinstance(body, dict):
            return [_unknown(_fingerprint(raw), "no object")]
        written = plain(body.get("event_type"))
        if not written:
            return [_unknown(_fingerprint(raw), "no event type")]
        key = _key(body, written, raw)
        kind = EVENTS.get(written)
        if kind is None:
            # A label of interest, a workspace's own one among them, or news to us.
            return [_unknown(key, written)]
        return [_event(body, kind, key)]


def _event(body: Json, kind: EventType, key: str) -> SystemEvent:
    """Say what happened to a lead.

    The mail that an event names can be answered only if it is theirs; the thread of
    any other event would make us write to ourselves.
    """
    lead = address_of(body.get("lead_email")) or address_of(body.get("email"))
    account = address_of(body.get("email_account"))
    content = _content(body) if kind in _REPLIES else ""
    attempt = uid(body.get(ATTEMPT))
    is_ours = bool(attempt) or plain(body.get("campaign_name")).startswith(NAME_BEGINS)
    mail = uid(body.get("email_id"))
    return SystemEvent(
        key=key,
        provider=PROVIDER,
        type=kind,
        channel=Channel.EMAIL_COLD,
        ref=attempt,
        thread=thread_of(mail, account) if kind in _REPLIES else "",
        sender=account,
        address=email_keys(lead)[0] if lead else None,
        content=content,
        subject=plain(body.get("reply_subject"))[:1_000] if kind in _REPLIES else "",
        media=kind in _REPLIES and not content.strip(),
        occurred_at=moment(body.get("timestamp")),
        ours=is_ours if kind in _OURS else None,
        detail="" if lead else "no address",
    )


def _content(body: Json) -> str:
    """What they wrote, with what they quote, which the analyst leaves out."""
    for written in (
        plain(body.get("reply_text")),
        as_text(plain(body.get("reply_html"))),
        plain(body.get("reply_text_snippet")),
    ):
        if written.strip():
            return written[:_LONGEST_CONTENT]
    return ""


def _key(body: Json, written: str, raw: bytes) -> str:
    """A hash of what identifies the event; of the body if nothing in it does."""
    place = body.get("email_id") or body.get("step")
    facts = [
        body.get("workspace"),
        _SAME.get(written, written),
        body.get("campaign_id"),
        address_of(body.get("lead_email")) or address_of(body.get("email")),
        place,
        body.get("timestamp"),
    ]
    if not facts[-1]:
        return _fingerprint(raw)
    said = json.dumps(facts, sort_keys=True).encode()
    return f"{PROVIDER}:{hashlib.sha256(said).hexdigest()}"


def _unknown(key: str, detail: str) -> SystemEvent:
    return SystemEvent(
        key=key,
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.EMAIL_COLD,
        detail=detail[:_LONGEST_DETAIL],
    )


def _fingerprint(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
