"""Why nothing leaves a lane: every obstacle, and nothing where there is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import NOON, a_sender

from outreach.domain.decision import Reason
from outreach.domain.lane import LaneView, obstacles
from outreach.domain.sender import SendClass, SenderState
from outreach.domain.suppression import Switch, SwitchScope

HOUR = timedelta(hours=1)
LATER = NOON + HOUR
STOP = Switch(SwitchScope.ALL, "", "wrong price", "ana", NOON)
BOTH = {SendClass.FOLLOWUP: 1, SendClass.NEW: 7}


def a_lane(**changes: Any) -> LaneView:
    free = LaneView(
        sender=a_sender(),
        now=NOON,
        token=3,
        owner="",
        lease_until=None,
        call_until=None,
        gate_at=None,
        new_gate_at=None,
        backoff_until=None,
        backoffs=0,
        opens_at=None,
        wake_at=NOON,
        depth=BOTH,
        oldest_due=NOON - HOUR,
        switch=None,
    )
    return evolve(free, **changes)


def test_nothing_keeps_a_free_lane() -> None:
    assert obstacles(a_lane()) == ()


def test_nothing_keeps_an_empty_lane_whatever_stops_it() -> None:
    assert obstacles(a_lane(depth={}, switch=STOP, gate_at=LATER)) == ()


@pytest.mark.parametrize(
    ("changes", "reason", "says", "until"),
    [
        (
            {"owner": "worker:a", "lease_until": LATER},
            Reason.LANE_BUSY,
            "worker:a has it in hand",
            LATER,
        ),
        (
            {"owner": "worker:a", "lease_until": NOON, "call_until": LATER},
            Reason.LANE_BUSY,
            "a call is under way",
            LATER,
        ),
        (
            {"switch": STOP},
            Reason.STOPPED,
            "ALL was stopped by ana: wrong price",
            None,
        ),
        (
            {"backoff_until": LATER, "backoffs": 3},
            Reason.PROVIDER_BACKOFF,
            "the provider asked to wait, 3 times in a row",
            LATER,
        ),
        ({"oldest_due": LATER}, Reason.NOT_DUE, "nothing is due yet", LATER),
        (
            {"opens_at": LATER},
            Reason.OUTSIDE_WINDOW,
            "every window of what waits is closed",
            LATER,
        ),
        ({"gate_at": LATER}, Reason.PACING, "the gap since the last call", LATER),
        (
            {"new_gate_at": LATER},
            Reason.QUOTA_EXCEEDED,
            "no new contact before",
            LATER,
        ),
    ],
)
def test_each_obstacle_is_named(
    changes: dict[str, Any], reason: Reason, says: str, until: Any
) -> None:
    (one,) = obstacles(a_lane(**changes))

    assert (one.reason, one.says, one.until) == (reason, says, until)


def test_a_full_day_keeps_no_follow_up() -> None:
    assert obstacles(a_lane(new_gate_at=LATER, depth={SendClass.FOLLOWUP: 1})) == ()


def test_a_sender_that_may_send_nothing_says_why_and_until_when() -> None:
    sender = a_sender(state=SenderState.PAUSED, state_reason="odd answers")

    (one,) = obstacles(a_lane(sender=evolve(sender, until=LATER)))

    assert one.reason is Reason.SENDER_STATE
    assert one.says == "the sender is PAUSED: odd answers"
    assert one.until == LATER


def test_a_sender_that_may_open_no_conversation_keeps_only_new_contacts() -> None:
    sender = a_sender(state=SenderState.QUARANTINE)

    (one,) = obstacles(a_lane(sender=sender))

    assert one.says == "the sender is QUARANTINE for NEW"
    assert obstacles(a_lane(sender=sender, depth={SendClass.APPROVED: 1})) == ()


def test_a_disabled_sender_is_said_to_be_disabled_and_no_more() -> None:
    (one,) = obstacles(a_lane(sender=a_sender(enabled=False)))

    assert one.says == "the sender is disabled"


def test_the_hardest_obstacle_comes_first() -> None:
    lane = a_lane(switch=STOP, gate_at=LATER, owner="worker:a", lease_until=LATER)

    reasons = [one.reason for one in obstacles(lane)]

    assert reasons == [Reason.LANE_BUSY, Reason.STOPPED, Reason.PACING]
