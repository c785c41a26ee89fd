"""The vendor's words and ours: statuses, event types, addresses, times, mail ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.utils import getaddresses
from typing import Any, Final

from outreach.domain.event import EventType
from outreach.domain.message import MessageStatus

__all__ = [
    "EVENTS",
    "PROVIDER",
    "STATUSES",
    "Json",
    "address",
    "headers_of",
    "mail_ids",
    "moment",
    "part",
    "plain",
    "texts",
    "uid",
]

PROVIDER: Final = "resend"

STATUSES: Final = {
    "queued": MessageStatus.ACCEPTED,
    "scheduled": MessageStatus.ACCEPTED,
    "sent": MessageStatus.SENT,
    "delivery_delayed": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "complained": MessageStatus.DELIVERED,
    "opened": MessageStatus.OPENED,
    "clicked": MessageStatus.CLICKED,
    "bounced": MessageStatus.BOUNCED,
    "suppressed": MessageStatus.BOUNCED,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
}
"""`last_event` of a mail."""

EVENTS: Final = {
    "email.sent": EventType.SENT,
    "email.delivered": EventType.DELIVERED,
    "email.bounced": EventType.SOFT_BOUNCE,
    "email.complained": EventType.COMPLAINT,
    "email.opened": EventType.OPENED,
    "email.clicked": EventType.CLICKED,
    "email.failed": EventType.FAILED,
    "email.suppressed": EventType.BOUNCE,
    "email.received": EventType.REPLY,
    "email.scheduled": EventType.UNKNOWN,
    "email.delivery_delayed": EventType.UNKNOWN,
    "contact.created": EventType.UNKNOWN,
    "contact.updated": EventType.UNKNOWN,
    "contact.deleted": EventType.UNKNOWN,
    "domain.created": EventType.SENDER_CONNECTED,
    "domain.updated": EventType.SENDER_CONNECTED,
    "domain.deleted": EventType.SENDER_CONNECTED,
}
"""All types of the vendor's contract. A bounce and a suppression say more in their
details; a contact that unsubscribed is an UNSUBSCRIBE; news of a domain are believed
only of the provider that is then asked, as a phone's connection is."""

Json = dict[str, Any]

_UID: Final = re.compile(r"[!-~]{1,128}")
_MAIL_ID: Final = re.compile(r"<[!-;=?-~]{1,998}>")
_ADDRESS: Final = re.compile(
    r"[^\s@<>(),;:\"\\\[\]\x00-\x1f]{1,64}@[^\s@<>(),;:]{1,255}"
)
_MOST_REFERENCES: Final = 50
_LONGEST: Final = 8_000
_SHORT_ZONE: Final = re.compile(r"[+-]\d\d$")
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"


def moment(said: object) -> datetime | None:
    """Read ``2023-10-06T23:47:56.678Z`` or ``2023-04-03 22:13:42.674981+00``; UTC,
    None without a zone.
    """
    if not isinstance(said, str):
        return None
    text = said.strip()
    if _SHORT_ZONE.search(text) and ":" in text:
        text += ":00"
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def address(said: object) -> str:
    """Read the one address in ``Ana <ana@firma.ro>``, lower case, its domain in
    ASCII; empty if there is none or more than one.
    """
    if not isinstance(said, str) or len(said) > _LONGEST:
        return ""
    try:
        found = [one for _, one in getaddresses([said]) if one]
    except (HeaderParseError, ValueError, IndexError):
        return ""
    if len(found) != 1 or _ADDRESS.fullmatch(found[0]) is None:
        return ""
    local, _, domain = found[0].rpartition("@")
    try:
        known = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return f"{local}@{known}".lower() if "." in known else ""


def mail_ids(*said: object) -> tuple[str, ...]:
    """Every ``<id@host>`` of these headers, the nearest first (they name the oldest
    first), each once.
    """
    found: dict[str, None] = {}
    for header in said:
        if isinstance(header, str):
            ids = _MAIL_ID.findall(header[-_LONGEST:])
            found.update(dict.fromkeys(reversed(ids)))
    return tuple(found)[:_MOST_REFERENCES]


def part(body: Json, name: str) -> Json:
    """An object inside *body*; an empty one if there is none."""
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def texts(said: object) -> tuple[str, ...]:
    """Read a text, or a list of some; whatever else stands in it is left out."""
    listed = said if isinstance(said, list) else [said]
    return tuple(one for one in listed if isinstance(one, str))


def uid(said: object) -> str:
    """Read an id: printable ASCII, so that it can be a key; else empty."""
    return said if isinstance(said, str) and _UID.fullmatch(said) else ""


def plain(said: object) -> str:
    """Read a text so that it can be stored: no NUL, no half of a surrogate pair."""
    if not isinstance(said, str):
        return ""
    text = said.replace(_NUL, _STAND_IN)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def headers_of(said: object) -> Mapping[str, str]:
    """Headers of a mail, names in lower case: a map, or a list of name and value."""
    pairs: list[tuple[object, object]] = []
    if isinstance(said, dict):
        pairs = list(said.items())
    elif isinstance(said, list):
        pairs = [(o.get("name"), o.get("value")) for o in said if isinstance(o, dict)]
    found: dict[str, str] = {}
    for name, value in pairs:
        if isinstance(name, str):
            found.setdefault(name.strip().lower(), " ".join(texts(value)))
    return found
