"""The vendor's words and ours: times, phones, WhatsApp ids, statuses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from outreach.domain.message import MessageStatus

__all__ = [
    "OUR_ORIGIN",
    "PROVIDER",
    "STATUSES",
    "Json",
    "chat_id",
    "moment",
    "number_of_jid",
    "part",
    "phone",
    "plain",
    "status",
    "uid",
]

PROVIDER: Final = "timelinesai"
OUR_ORIGIN: Final = "public api"
"""`origin` of what came in by the API; an open, display-only string elsewhere."""

STATUSES: Final = {
    "queued": MessageStatus.ACCEPTED,
    "pending": MessageStatus.ACCEPTED,
    "sending": MessageStatus.ACCEPTED,
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "failed": MessageStatus.FAILED,
}
"""Public API 1.3.0 writes them with a capital, the vendor's guide without."""

Json = dict[str, Any]

_E164: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
_PUNCTUATION: Final = str.maketrans("", "", " -.()\u00a0")
_JID: Final = re.compile(r"([1-9][0-9]{6,14})(?::[0-9]+)?@(?:s\.whatsapp\.net|c\.us)")
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
_UID: Final = re.compile(r"[!-~]{1,128}")
_LARGEST: Final = 2**63 - 1
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"


def moment(said: object) -> datetime | None:
    """Read ``2024-01-08 10:35:18 +0200`` or ISO 8601; UTC, None without a zone."""
    if not isinstance(said, str):
        return None
    text = said.strip().replace(" +", "+").replace(" -", "-")
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def phone(said: object) -> str:
    """Read a number with or without its plus as E.164; empty if it is none."""
    if not isinstance(said, str):
        return ""
    found = _E164.fullmatch(said.translate(_PUNCTUATION))
    return f"+{found[1]}" if found else ""


def number_of_jid(said: object) -> str:
    """Read the phone in ``40712345678@s.whatsapp.net``; groups and LIDs have none."""
    found = _JID.fullmatch(said) if isinstance(said, str) else None
    return f"+{found[1]}" if found else ""


def part(body: Json, name: str) -> Json:
    """An object inside *body*; an empty one if there is none."""
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def chat_id(said: object) -> str:
    """Read a chat's number, which some shapes write as a string."""
    if isinstance(said, str) and _DIGITS.fullmatch(said):
        return chat_id(int(said))
    if isinstance(said, int) and not isinstance(said, bool) and 0 < said <= _LARGEST:
        return str(said)
    return ""


def uid(said: object) -> str:
    """Read a message's id: printable ASCII, so that it can be a key; else empty."""
    return said if isinstance(said, str) and _UID.fullmatch(said) else ""


def status(said: object) -> MessageStatus:
    """Translate a delivery status; calls and news of the vendor are UNKNOWN."""
    word = said.strip().lower() if isinstance(said, str) else ""
    return STATUSES.get(word, MessageStatus.UNKNOWN)


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
