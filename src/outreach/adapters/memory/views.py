"""Lanes as people look at them."""

from __future__ import annotations

from datetime import datetime

from outreach.adapters.memory import metering, relaying
from outreach.adapters.memory.rows import LaneRow
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.waking import wake_at
from outreach.domain.lane import LaneView
from outreach.domain.sender import SendClass
from outreach.domain.suppression import stopped_by

__all__ = ["view_of"]


def view_of(store: MemoryStore, lane: LaneRow) -> LaneView:
    """One lane as it is now."""
    sender, now, lease = lane.sender, store.now, lane.lease
    heads = list(lane.line.heads())
    opens = [lane.closed.get(window, now) for window, *_ in heads]
    depth = {one: lane.line.count(one) for one in SendClass}
    deadlines = [store.attempts[one].deadline for one in lane.calling]
    return LaneView(
        sender=sender,
        now=now,
        token=lane.token,
        owner="" if lease is None else lease.who,
        lease_until=None if lease is None else lease.until,
        call_until=min(deadlines, default=None),
        gate_at=_ahead(lane.gate_at, now),
        new_gate_at=_ahead(lane.new_gate_at, now),
        backoff_until=_ahead(lane.backoff_until, now),
        backoffs=lane.backoffs,
        room_at=metering.room_at(store, sender.account),
        plan=metering.full_plan(store, sender.account),
        opens_at=_ahead(min(opens, default=None), now),
        wake_at=None if lease or lane.calling else wake_at(store, lane),
        depth={one: waiting for one, waiting in depth.items() if waiting},
        oldest_due=min((due for _, _, due, _ in heads), default=None),
        switch=stopped_by(store.switches_of(sender.tenant), sender.channel, sender.id),
        away_until=relaying.away_until(store, lane),
    )


def _ahead(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at > now else None
