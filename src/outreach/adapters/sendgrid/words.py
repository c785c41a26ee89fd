"""The vendor's words and ours: event types, reasons, addresses, ids."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from outreach.domain.event import EventType

__all__ = [
    "ATTEMPT",
    "DROPPED",
    "EVENTS",
    "INTENT",
    "PROVIDER",
    "SWITCHES",
    "Json",
    "address",
    "mail_id",
    "moment",
    "plain",
    "uid",
]

PROVIDER: Final = "sendgrid"

ATTEMPT: Final = "outreach_attempt"
INTENT: Final = "outreach_intent"
"""Names under which our ids travel with a mail. They come back at the top level of its
events, beside names of the vendor's own (`attempt` is one)."""

EVENTS: Final = {
    "processed": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "deferred": EventType.UNKNOWN,
    "bounce": EventType.SOFT_BOUNCE,
    "dropped": EventType.FAILED,
    "open": EventType.OPENED,
    "click": EventType.CLICKED,
    "spamreport": EventType.COMPLAINT,
    "unsubscribe": EventType.UNSUBSCRIBE,
    "group_unsubscribe": EventType.UNSUBSCRIBE,
    "group_resubscribe": EventType.UNKNOWN,
}
"""All event types of the vendor's documents. A bounce and a drop say more in their
details; `deferred` is the vendor's own business, and what a person may be sent is not
widened by `group_resubscribe`."""

DROPPED: Final = {
    "bounced address": EventType.BOUNCE,
    "invalid": EventType.BOUNCE,
    "unsubscribed address": EventType.UNSUBSCRIBE,
    "spam reporting address": EventType.COMPLAINT,
}
"""Reasons of a drop that are about the person; all others are a mail that failed."""

SWITCHES: Final = (
    *("processed", "delivered", "deferred", "bounce", "dropped", "open", "click"),
    *("spam_report", "unsubscribe", "group_unsubscribe", "group_resubscribe"),
)
"""Event types as the settings of a webhook name them."""

Json = dict[str, Any]

_UID: Final = re.compile(r"[!-~]{1,128}")
_MAIL_ID: Final = re.compile(r"<[!-;=?-~]{1,998}>")
_ADDRESS: Final = re.compile(
    r"[^\s@<>(),;:\"\\\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>(),;:\x00-\x1f\x7f]{1,255}"
)
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"


def moment(said: object) -> datetime | None:
    """Read seconds since 1970; None if they are none."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    try:
        return datetime.fromtimestamp(said, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def address(said: object) -> str:
    """Read a bare address, lower case, its domain in ASCII; empty if it is none."""
    text = said.strip() if isinstance(said, str) else ""
    if _ADDRESS.fullmatch(text) is None:
        return ""
    local, _, domain = text.rpartition("@")
    try:
        known = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    try:
        local.encode()
    except UnicodeEncodeError:
        return ""
    return f"{local}@{known}".lower() if "." in known else ""


def mail_id(said: object) -> str:
    """The first ``<id@host>`` in a text; empty if there is none."""
    found = _MAIL_ID.search(said[:2_000]) if isinstance(said, str) else None
    return found[0] if found else ""


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
