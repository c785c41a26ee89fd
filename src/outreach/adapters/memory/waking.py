"""When a lane has something to send, and when it can be claimed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from outreach.adapters.memory.rows import LaneRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import IntentId
from outreach.domain.sender import SendClass
from outreach.domain.suppression import stopped_by

__all__ = ["free_at", "openings", "wake_at"]


def wake_at(store: MemoryStore, lane: LaneRow) -> datetime | None:
    """When the lane has something to send; None: never, as things stand."""
    sender = lane.sender
    if store.switches:
        switches = store.switches_of(sender.tenant)
        if stopped_by(switches, sender.channel, sender.id) is not None:
            return None
    first = None
    for at, _ in openings(lane):
        if first is None or at < first:
            first = at
    return first


def openings(lane: LaneRow) -> Iterator[tuple[datetime, IntentId]]:
    """From when on each head of the lane's line may be offered."""
    sender, closed = lane.sender, lane.closed
    floor = lane.gate_at
    for gate in (lane.backoff_until, lane.budget_gate_at):
        if gate is not None:
            floor = max(floor, gate)
    for window, send_class, due, intent in lane.line.heads():
        if not sender.may(send_class):
            continue
        at = max(floor, due)
        if window in closed:
            at = max(at, closed[window])
        if send_class is SendClass.NEW and lane.new_gate_at is not None:
            at = max(at, lane.new_gate_at)
        yield at, intent


def free_at(store: MemoryStore, lane: LaneRow) -> datetime | None:
    """Machine time from which on the lane can be claimed; None: at once."""
    return None if lane.lease is None else lane.lease.until + store.timing.grace
