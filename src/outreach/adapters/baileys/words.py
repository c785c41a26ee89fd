"""The gateways' words and ours: WhatsApp ids, phones, times, acknowledgements."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from outreach.domain.message import MessageStatus

__all__ = [
    "BAILEYS_ACKS",
    "COLD_CODES",
    "EVOLUTION_ACKS",
    "PROVIDER",
    "WAHA_ACKS",
    "Json",
    "digits",
    "is_person",
    "lid",
    "moment",
    "number_of_jid",
    "on_the_wire",
    "part",
    "phone",
    "plain",
    "refused_strangers",
    "tag",
    "thread",
    "uid",
    "word",
]

PROVIDER: Final = "baileys"
Json = dict[str, Any]

BAILEYS_ACKS: Final[Mapping[int, MessageStatus]] = MappingProxyType(
    {
        0: MessageStatus.FAILED,
        1: MessageStatus.ACCEPTED,
        2: MessageStatus.SENT,
        3: MessageStatus.DELIVERED,
        4: MessageStatus.READ,
        5: MessageStatus.READ,
    }
)
"""`WAMessageStatus`: ERROR, PENDING, SERVER_ACK, DELIVERY_ACK, READ, PLAYED."""
WAHA_ACKS: Final[Mapping[int, MessageStatus]] = MappingProxyType(
    {
        -1: MessageStatus.FAILED,
        0: MessageStatus.ACCEPTED,
        1: MessageStatus.SENT,
        2: MessageStatus.DELIVERED,
        3: MessageStatus.READ,
        4: MessageStatus.READ,
    }
)
"""WAHA's `ack`: ERROR, PENDING, SERVER, DEVICE, READ, PLAYED; one below Baileys'."""
EVOLUTION_ACKS: Final[Mapping[str, MessageStatus]] = MappingProxyType(
    {
        "ERROR": MessageStatus.FAILED,
        "PENDING": MessageStatus.ACCEPTED,
        "SERVER_ACK": MessageStatus.SENT,
        "DELIVERY_ACK": MessageStatus.DELIVERED,
        "READ": MessageStatus.READ,
        "PLAYED": MessageStatus.READ,
    }
)
"""Evolution writes Baileys' names."""
COLD_CODES: Final = frozenset({"463", "475"})
"""Error codes by which WhatsApp refuses strangers: the reach-out lock, and the month's
cap of conversations that a business account starts."""

_E164: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
_JID: Final = re.compile(
    r"([1-9][0-9]{6,14})(?::[0-9]{1,5})?@(?:s\.whatsapp\.net|c\.us)"
)
_LID: Final = re.compile(r"([0-9]{1,20})(?::[0-9]{1,5})?@lid")
_UID: Final = re.compile(r"[!-~]{1,96}")
_OWN: Final = re.compile(r"[0-9A-F]{32}")
_MILLISECONDS: Final = 10**11
"""A time stamp from here on counts milliseconds; in seconds it is the year 5138."""
_DASHES: Final = str(UUID(int=0)).count("-")
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"


def phone(said: object) -> str:
    """Read a number with or without its plus as E.164; empty if it is none."""
    found = _E164.fullmatch(said) if isinstance(said, str) else None
    return f"+{found[1]}" if found else ""


def digits(number: str) -> str:
    """A phone (E.164) as gateways name it."""
    return number.removeprefix("+")


def number_of_jid(said: object) -> str:
    """Read the phone in ``40712345678:7@s.whatsapp.net``; empty for groups and LIDs."""
    found = _JID.fullmatch(said) if isinstance(said, str) else None
    return f"+{found[1]}" if found else ""


def lid(said: object) -> str:
    """Read the linked id in ``123456789:1@lid``: its digits; else empty."""
    found = _LID.fullmatch(said) if isinstance(said, str) else None
    return found[1] if found else ""


def is_person(said: object) -> bool:
    """Whether an id is one person's: no group, list, status, newsletter or bot."""
    return bool(number_of_jid(said) or lid(said))


def tag(number: str) -> str:
    """Eight characters that tell our numbers apart, and do not show them."""
    return hashlib.sha256(number.encode()).hexdigest()[:8]


def thread(number: str, linked: str) -> str:
    """The conversation of our *number* with a linked id; empty without one.

    A person's linked id is the same to everybody, so our number is a part of it.
    """
    return f"{linked}@lid/{tag(number)}" if linked else ""


def uid(said: object) -> str:
    """Read a message's id; else empty.

    Of ``true_40712345678@c.us_3EB0`` the id is what follows the chat, for the same
    message is told with a phone here and a linked id there. One that we chose ourselves
    is the attempt's id again (`waha.own_id`).
    """
    if not isinstance(said, str) or not _UID.fullmatch(said):
        return ""
    last = said
    if said.startswith(("true_", "false_")):
        last = said.split("_", 2)[-1].split("_", 1)[0]
    return str(UUID(last)) if _OWN.fullmatch(last) else last


def on_the_wire(read: str) -> str:
    """A message's id as the gateway has it, from what `uid` made of it."""
    try:
        return UUID(read).hex.upper() if read.count("-") == _DASHES else read
    except ValueError:
        return read


def moment(said: object) -> datetime | None:
    """Read seconds or milliseconds since 1970, as number or text, or ISO 8601."""
    if isinstance(said, dict):  # a Long of protobuf
        return moment(said.get("low")) if said.get("high") == 0 else None
    try:
        if isinstance(said, str) and not (said.isascii() and said.isdigit()):
            at = datetime.fromisoformat(said.strip())
            return at.astimezone(UTC) if at.tzinfo else None
        if isinstance(said, str | int | float) and not isinstance(said, bool):
            counted = float(said)
            scaled = counted / 1000 if counted >= _MILLISECONDS else counted
            return datetime.fromtimestamp(scaled, UTC) if scaled > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
    return None


def refused_strangers(codes: object) -> bool:
    """Whether an error, or one of a list of them, refuses strangers."""
    found = codes if isinstance(codes, list) else [codes]
    return any(str(one) in COLD_CODES for one in found if isinstance(one, str | int))


def word(said: object) -> str:
    """A word of theirs, to be compared; empty for whatever is none."""
    return said if isinstance(said, str) else ""


def part(body: object, *names: str) -> Json:
    """An object inside *body*, some levels down; an empty one if there is none."""
    found = body
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


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
