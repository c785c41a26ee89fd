"""What a delivery says, and what of it is stored, whatever its reader does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from outreach.domain.channel import Channel
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.entrypoints.web.errors import Noted
from outreach.entrypoints.web.parts import WebhookRoute
from outreach.ports.incoming import Keeps, Splits

__all__ = ["arrivals_of"]


def arrivals_of(
    route: WebhookRoute, raw: bytes, number: str, at: datetime
) -> list[Arrival]:
    """Everything that is to be stored of a delivery, at least one.

    Args:
        number: ours (E.164), where it came with the delivery and not in it.
        at: machine time at which it came in.
    """
    if isinstance(route.reader, Keeps):
        raw = route.reader.kept(raw, number, at)
    return [
        Arrival(
            provider=route.provider,
            account=route.account,
            raw=part,
            key=event.key,
            type=event.type,
            address=event.address,
            received_at=at,
        )
        for part in _parts_of(route, raw)
        for event in _events_of(route, part)
    ]


def _parts_of(route: WebhookRoute, raw: bytes) -> Sequence[bytes]:
    """What is kept of a body, event by event where its reader can do that."""
    parts: Sequence[bytes] = ()
    reader = route.reader
    if isinstance(reader, Splits):
        with Noted("reader.defect"):
            parts = reader.split(raw)
    return parts or [raw]


def _events_of(route: WebhookRoute, raw: bytes) -> Sequence[SystemEvent]:
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
