"""What a delivery says, whatever its reader does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.entrypoints.web.errors import Noted
from outreach.entrypoints.web.parts import WebhookRoute
from outreach.ports.incoming import Splits

__all__ = ["events_of", "parts_of"]


def parts_of(route: WebhookRoute, raw: bytes) -> Sequence[bytes]:
    """What is kept of a body, event by event where its reader can do that."""
    parts: Sequence[bytes] = ()
    reader = route.reader
    if isinstance(reader, Splits):
        with Noted("reader.defect"):
            parts = reader.split(raw)
    return parts or [raw]


def events_of(route: WebhookRoute, raw: bytes) -> Sequence[SystemEvent]:
    """What the body says; at least one event, so that no delivery is lost."""
    events: Sequence[SystemEvent] = ()
    with Noted("reader.defect"):  # the body is kept, and can be replayed
        events = route.reader.read(raw)
    return events or [_unreadable(route, raw)]


def _unreadable(route: WebhookRoute, raw: bytes) -> SystemEvent:
    return SystemEvent(
        key=f"sha256:{hashlib.sha256(raw).hexdigest()}",
        provider=route.provider,
        type=EventType.UNKNOWN,
        channel=Channel.MANUAL,
        detail="nothing was read",
    )
