"""Reads what the vendor's panel sends for a message. No I/O; no bytes make it raise.

All that is known of a body is ``data.source_number`` and ``data.message_text``. There
is no id, no time, no name of the event and no phone of ours, and nothing is signed. So
what is kept is the body with our phone, which its path names, and the minute in which
it came in. The key is made of both numbers, the text and that minute: the same words
again within it are one message, and a repetition of the vendor's in the next one is
another.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen

from outreach.adapters import _json
from outreach.domain.address import phone_key
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

__all__ = ["PROVIDER", "WammReader"]

PROVIDER: Final = "wamm"

_CAME: Final = "outreach_came_in"
_PHONE: Final = "outreach_phone"
_BODY: Final = "outreach_body"
_MINUTE: Final = "%Y-%m-%dT%H:%MZ"
_NUMBER: Final = re.compile(r"\+?([1-9][0-9]{6,14})(?:@s\.whatsapp\.net|@c\.us)?")
_NUL: Final = "\x00"
_STAND_IN: Final = "\ufffd"
_LONGEST_DETAIL: Final = 64


@frozen
class WammReader:
    """Implements `outreach.ports.gateway.Reads` and `outreach.ports.incoming.Keeps`."""

    def kept(self, raw: bytes, phone_in_path: str, at: datetime) -> bytes:
        """See `Keeps.kept`: the body as it came, our phone, and the minute."""
        minute = at.astimezone(UTC).strftime(_MINUTE)
        body = base64.b64encode(raw).decode()
        ours = {_CAME: minute, _PHONE: _number(phone_in_path), _BODY: body}
        return json.dumps(ours).encode()

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`; a body that `kept` did not make has no phone and minute."""
        minute, ours, body = _kept(raw)
        try:
            said = _json.parse(body)
        except _json.Unreadable as error:
            return [_unknown(raw, str(error))]
        data = said.get("data") if isinstance(said, dict) else None
        if not isinstance(data, dict):
            return [_unknown(raw, "no data")]
        number = _number(data.get("source_number"))
        if not number:
            return [_unknown(raw, "no number")]
        text = _plain(data.get("message_text"))
        return [
            SystemEvent(
                key=_hash(f"{minute}\x1f{ours}\x1f{number}\x1f{text}".encode()),
                provider=PROVIDER,
                type=EventType.REPLY,
                channel=Channel.WHATSAPP,
                sender=ours,
                address=phone_key(number),
                content=text,
                media=not text.strip(),
                occurred_at=_moment(minute),
                detail="" if text.strip() else "nothing that can be shown",
            )
        ]


def _kept(raw: bytes) -> tuple[str, str, bytes]:
    """Minute, phone and body of what `WammReader.kept` made; else none, and *raw*."""
    none = ("", "", raw)
    try:
        kept = _json.parse(raw)
    except _json.Unreadable:
        return none
    if not isinstance(kept, dict) or kept.keys() != {_CAME, _PHONE, _BODY}:
        return none
    minute, coded = kept[_CAME], kept[_BODY]
    if not isinstance(coded, str) or _moment(minute) is None:
        return none
    try:
        body = base64.b64decode(coded, validate=True)
    except ValueError:
        return none
    return str(minute), _number(kept[_PHONE]), body


def _moment(minute: Any) -> datetime | None:
    if not isinstance(minute, str):
        return None
    try:
        return datetime.strptime(minute, _MINUTE).replace(tzinfo=UTC)
    except ValueError:
        return None


def _number(said: object) -> str:
    """E.164 of digits, as text or as a number; empty if they are none."""
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    found = _NUMBER.fullmatch(text.strip()) if isinstance(text, str) else None
    return f"+{found[1]}" if found else ""


def _plain(said: object) -> str:
    """A text so that it can be stored: no NUL, no half of a surrogate pair."""
    if not isinstance(said, str):
        return ""
    text = said.replace(_NUL, _STAND_IN)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unknown(raw: bytes, detail: str) -> SystemEvent:
    return SystemEvent(
        key=_hash(raw),
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.WHATSAPP,
        detail=detail[:_LONGEST_DETAIL],
    )


def _hash(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
