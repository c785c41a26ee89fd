"""How far a message came only moves forward, and every duration keeps its ratio."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce

from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.message import FORWARD, MessageStatus, furthest
from outreach.domain.timing import Timing

STATUSES = st.lists(st.sampled_from(MessageStatus), min_size=1, max_size=20)


def test_every_status_has_its_place() -> None:
    assert set(FORWARD) == set(MessageStatus)
    assert len(FORWARD) == len(MessageStatus)


@given(STATUSES, st.data())
def test_statuses_in_any_order_leave_the_same_one(
    statuses: list[MessageStatus], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(statuses))

    assert reduce(furthest, statuses) is reduce(furthest, shuffled)


@given(st.sampled_from(MessageStatus), st.sampled_from(MessageStatus))
def test_a_status_never_goes_back(known: MessageStatus, told: MessageStatus) -> None:
    after = furthest(known, told)

    assert FORWARD.index(after) >= FORWARD.index(known)
    assert after in {known, told}


def test_a_mail_can_bounce_after_it_was_delivered() -> None:
    bounced = furthest(MessageStatus.DELIVERED, MessageStatus.BOUNCED)

    assert bounced is MessageStatus.BOUNCED


def test_a_message_that_was_delivered_has_not_failed() -> None:
    delivered = furthest(MessageStatus.FAILED, MessageStatus.DELIVERED)

    assert delivered is MessageStatus.DELIVERED


def test_scaled_timing_keeps_every_ratio() -> None:
    plain, scaled = asdict(Timing()), asdict(Timing().scaled(0.01))

    assert {name: plain[name] * 0.01 for name in plain} == scaled


def test_the_times_of_the_protocol_fit_into_one_another() -> None:
    timing = Timing()
    call = timing.call + timing.connect

    assert timing.arm_margin >= call
    assert timing.doubtful > call
    assert timing.lease > timing.call_budget + call
    assert timing.fence < timing.lease
    # call 25 + TCP_USER_TIMEOUT 10 + gap 30
    assert timing.grace >= call + timedelta(seconds=40)
