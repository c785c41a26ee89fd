"""A lane as people look at it, and why nothing leaves it just now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import frozen

from outreach.domain.allowance import PlanBudget, used_up
from outreach.domain.blocks import Reason
from outreach.domain.sender import SendClass, Sender
from outreach.domain.suppression import Switch

__all__ = ["LaneView", "Obstacle", "obstacles"]


@frozen
class LaneView:
    """One lane. Times are engine time unless they say machine time.

    Attributes:
        now: of the store.
        token: fencing token of the last claim.
        owner: who has it in hand; empty: nobody.
        lease_until: machine time at which that claim ends; others come after the
            grace.
        call_until: machine time at which the call under way, if any, is given up.
        gate_at: nothing leaves before; None: it could now.
        new_gate_at: no conversation is opened before; None: it could be now.
        backoff_until: the provider asked to wait; None: it did not.
        backoffs: such answers in a row.
        room_at: the account has no call left before; None: it has one.
        plan: of the account, if it is full.
        away_until: when the account, which does not serve, is tried again; None: it
            serves.
        opens_at: when the first window of what waits opens; None: one is open.
        wake_at: when a worker takes it next; None: not by itself, or somebody has it.
        depth: how many messages wait, by class; those without any are left out.
        oldest_due: when the one that is due first was or is due.
        switch: what stops it.
    """

    sender: Sender
    now: datetime
    token: int
    owner: str
    lease_until: datetime | None
    call_until: datetime | None
    gate_at: datetime | None
    new_gate_at: datetime | None
    backoff_until: datetime | None
    backoffs: int
    opens_at: datetime | None
    wake_at: datetime | None
    depth: Mapping[SendClass, int]
    oldest_due: datetime | None
    switch: Switch | None
    room_at: datetime | None = None
    plan: PlanBudget | None = None
    away_until: datetime | None = None


@frozen
class Obstacle:
    """Something that keeps messages in a lane.

    Attributes:
        until: when it ends by itself; None: somebody or something must end it.
    """

    reason: Reason
    says: str
    until: datetime | None = None


def obstacles(lane: LaneView) -> tuple[Obstacle, ...]:
    """Why nothing, or no first message, leaves it now; the hardest first."""
    return (*_held(lane), *_stopped(lane), *_timed(lane)) if lane.depth else ()


def _held(lane: LaneView) -> Iterator[Obstacle]:
    if lane.call_until is not None:
        yield Obstacle(Reason.LANE_BUSY, "a call is under way", lane.call_until)
    elif lane.owner:
        says = f"{lane.owner} has it in hand"
        yield Obstacle(Reason.LANE_BUSY, says, lane.lease_until)


def _stopped(lane: LaneView) -> Iterator[Obstacle]:
    sender = lane.sender
    if lane.switch is not None:
        what = f"{lane.switch.scope} {lane.switch.of}".strip()
        says = f"{what} was stopped by {lane.switch.by}: {lane.switch.reason}"
        yield Obstacle(Reason.STOPPED, says)
    if not sender.enabled:
        yield Obstacle(Reason.SENDER_STATE, "the sender is disabled")
    shut = [one for one in lane.depth if sender.enabled and not sender.may(one)]
    if shut:
        which = "" if set(shut) == set(lane.depth) else f" for {_names(shut)}"
        why = f": {sender.state_reason}" if sender.state_reason else ""
        says = f"the sender is {sender.state}{which}{why}"
        yield Obstacle(Reason.SENDER_STATE, says, sender.until)


def _names(classes: list[SendClass]) -> str:
    return ", ".join(one.name for one in sorted(classes))


def _timed(lane: LaneView) -> Iterator[Obstacle]:
    if lane.backoff_until is not None:
        says = f"the provider asked to wait, {lane.backoffs} times in a row"
        yield Obstacle(Reason.PROVIDER_BACKOFF, says, lane.backoff_until)
    if lane.plan is not None:
        says = used_up(lane.plan.key, lane.plan.used, lane.plan.limit)
        yield Obstacle(Reason.BUDGET_EXCEEDED, says, lane.plan.ends_at)
    if lane.away_until is not None:
        says = "its account does not serve, and is tried again then"
        yield Obstacle(Reason.PROVIDER_BACKOFF, says, lane.away_until)
    if lane.room_at is not None:
        says = "its account has no call left just now"
        yield Obstacle(Reason.PROVIDER_BACKOFF, says, lane.room_at)
    if lane.oldest_due is not None and lane.oldest_due > lane.now:
        yield Obstacle(Reason.NOT_DUE, "nothing is due yet", lane.oldest_due)
    if lane.opens_at is not None:
        says = "every window of what waits is closed"
        yield Obstacle(Reason.OUTSIDE_WINDOW, says, lane.opens_at)
    if lane.gate_at is not None:
        yield Obstacle(Reason.PACING, "the gap since the last call", lane.gate_at)
    if lane.new_gate_at is not None and SendClass.NEW in lane.depth:
        says = "no new contact before"
        yield Obstacle(Reason.QUOTA_EXCEEDED, says, lane.new_gate_at)
