"""The vendor's words and ours: events, addresses, times, ids."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.utils import getaddresses
from typing import Any, Final

from outreach.domain.address import AddressKey, email_keys
from outreach.domain.event import EventType

__all__ = [
    "EVENTS",
    "PROVIDER",
    "Json",
    "address",
    "address_key",
    "header",
    "message_id",
    "moment",
    "part",
    "parts",
    "plain",
    "uid",
    "wire_address",
    "word",
]

PROVIDER: Final = "ses"

Json = dict[str, Any]

EVENTS: Final = {
    "Send": EventType.SENT,
    "Delivery": EventType.DELIVERED,
    "Bounce": EventType.SOFT_BOUNCE,
    "Complaint": EventType.COMPLAINT,
    "Reject": EventType.FAILED,
    "Rendering Failure": EventType.FAILED,
    "DeliveryDelay": EventType.UNKNOWN,
    "Open": EventType.OPENED,
    "Click": EventType.CLICKED,
    "Subscription": EventType.UNKNOWN,
}
"""All of the vendor's event types. A bounce, a complaint and a subscription say more in
their details."""

_LONGEST: Final = 1_000
_ADDRESS: Final = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,255}")
_MAIL_ID: Final = re.compile(r"<[^<>@\s]{1,250}@[^<>@\s]{1,250}>")
_UID: Final = re.compile(r"[!-;=?-~]{1,200}")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"
_FIRST_REGION: Final = "us-east-1"


def moment(said: object) -> datetime | None:
    """Read ``2016-10-14T05:02:16.645Z``; UTC, None without a zone."""
    if not isinstance(said, str):
        return None
    try:
        at = datetime.fromisoformat(said.strip())
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def address(said: object) -> str:
    """Read the one address in ``Ana <ana@firma.ro>``, lower case, its domain in
    ASCII; empty if there is none or more than one.
    """
    return wire_address(said).lower()


def wire_address(said: object) -> str:
    """Read it likewise, its local part as it was written: the vendor takes domains in
    ASCII only.
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
    return f"{local}@{known}" if "." in known else ""


def address_key(said: object) -> AddressKey | None:
    """The other side of an event; None: it does not say."""
    known = address(plain(said))
    return email_keys(known)[0] if known else None


def header(thread: str) -> str:
    """The mail id that a conversation is known by; empty if it is none."""
    found = _MAIL_ID.search(thread[:_LONGEST])
    return found[0] if found and found[0].isascii() else ""


def message_id(ref: str, region: str) -> str:
    """The Message-ID that the vendor gives a mail, whatever we would write there.

    Its id at a host of its region; the first region has a name of its own.
    """
    host = "email" if region == _FIRST_REGION else region
    return f"<{ref}@{host}.amazonses.com>"


def part(body: Json, name: str) -> Json:
    """An object inside *body*; an empty one if there is none."""
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def parts(said: object) -> tuple[Json, ...]:
    """The objects of a list; whatever else stands in it is left out."""
    listed = said if isinstance(said, list) else []
    return tuple(one for one in listed if isinstance(one, dict))


def uid(said: object) -> str:
    """Read an id: printable ASCII, so that it can be a key; else empty."""
    return said if isinstance(said, str) and _UID.fullmatch(said) else ""


def word(said: object) -> str:
    """Read one of the vendor's closed words; else empty: a text quotes addresses."""
    return said if isinstance(said, str) and _WORD.fullmatch(said) else ""


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
