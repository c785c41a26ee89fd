"""Reads the webhooks of all three dialects. No bytes make it raise.

Which dialect a delivery is in is told by its shape, so that what came in before an
operator changed the gateway is still read. Who may deliver is decided elsewhere.

A delivery of baileys-api names neither our number nor a time. Both are put into it when
it is kept, and the tokens that gateways write into their bodies are taken out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import frozen

from outreach.adapters import _json
from outreach.adapters.baileys import read_api, read_evolution, read_waha
from outreach.adapters.baileys.events import unique, unknown
from outreach.adapters.baileys.words import Json, phone
from outreach.domain.event import SystemEvent

__all__ = ["BaileysReader"]

MOST_KEYS: Final = 20_000
"""Of one body: messages that were missed come together."""

_OURS: Final = "outreach"
_TOKENS: Final = ("webhookVerifyToken", "apikey")


@frozen
class BaileysReader:
    """Implements `outreach.ports.gateway.Reads` and `outreach.ports.incoming.Keeps`."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`."""
        try:
            body = _json.parse(raw, most_keys=MOST_KEYS)
        except _json.Unreadable as error:
            return [unknown(raw, str(error))]
        if not isinstance(body, dict):
            return [unknown(raw, "no object")]
        return unique(_events(body, raw)) or [unknown(raw, "an empty list")]

    def kept(self, raw: bytes, phone_in_path: str, at: datetime) -> bytes:
        """See `Keeps.kept`."""
        try:
            body = _json.parse(raw, most_keys=MOST_KEYS)
        except _json.Unreadable:
            return raw  # it says nothing, and can still be looked at
        if not isinstance(body, dict) or read_waha.is_it(body):
            return raw
        ours = {"phone": phone(phone_in_path), "at": at.isoformat()}
        rest = {name: value for name, value in body.items() if name not in _TOKENS}
        return _written({**rest, _OURS: ours})


def _written(body: Json) -> bytes:
    """As short as it came; half of a surrogate pair only goes as an escape."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def _events(body: Json, raw: bytes) -> Iterable[SystemEvent]:
    name = body.get("event")
    if not isinstance(name, str):
        return [unknown(raw, "no event")]
    ours: Any = body.get(_OURS)
    ours = ours if isinstance(ours, dict) else {}
    if read_waha.is_it(body):
        return read_waha.events(body, name, raw)
    at = ours.get("at")
    stamp = at if isinstance(at, str) and at.isascii() and at.isprintable() else ""
    if read_evolution.is_it(body):
        return read_evolution.events(body, name, stamp[:40], raw)
    return read_api.events(body, name, phone(ours.get("phone")), stamp[:40], raw)
