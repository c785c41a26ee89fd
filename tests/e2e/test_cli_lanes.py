"""`outreach lanes`, and a pause and a resume as it shows them."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from tests.e2e.workers import Workers, opened_workers


@pytest.fixture
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with opened_workers(request, leads=12, phones=2) as opened:
        opened.enrolled()
        with opened.worker("outreach") as worker:
            opened.sent(worker, 2)
            worker.signal(signal.SIGTERM)
            assert worker.status() == 0
        yield opened


def test_lanes_say_what_waits_and_what_keeps_it(workers: Workers) -> None:
    first, second = sorted(workers.files.phones)

    lanes = workers.call("lanes", "--json").json()
    paused = workers.call("phones", "pause", first, "--reason", "SIM is replaced")
    (one,) = workers.call("lanes", "--phone", first, "--json").json()
    said = workers.call("lanes")
    shown = workers.call("lanes", "--phone", first)
    workers.call("phones", "resume", first, "--reason", "new SIM works")
    (resumed,) = workers.call("lanes", "--phone", first, "--json").json()
    unknown = workers.call("lanes", "--phone", "+40799999999")

    assert paused.status == said.status == shown.status == 0
    assert [lane["phone"] for lane in lanes] == [first, second]
    assert sum(lane["depth"]["NEW"] for lane in lanes) == 10
    assert [lane["depth"]["FOLLOWUP"] for lane in lanes] == [1, 1]
    assert [lane["owner"] for lane in lanes] == [None, None]
    assert [[kept["reason"] for kept in lane["kept_by"]] for lane in lanes] == [
        ["PACING"],
        ["PACING"],
    ]
    assert lanes[0]["gate_at"] == lanes[0]["wake_at"]
    assert lanes[0]["oldest_age_s"] >= 0
    assert one["wake_at"] is None
    assert [kept["reason"] for kept in one["kept_by"]] == ["SENDER_STATE", "PACING"]
    assert "PAUSED: SIM is replaced" in one["kept_by"][0]["says"]
    assert first in said.out
    assert second in said.out
    assert "Kept by SENDER_STATE: the sender is PAUSED" in shown.out
    assert resumed["wake_at"] == lanes[0]["wake_at"]
    assert resumed["depth"] == lanes[0]["depth"]
    assert unknown.status == 1
    assert "+40799999999" in unknown.err


def test_a_frozen_lane_keeps_its_messages_and_goes_on_when_it_is_resumed(
    workers: Workers,
) -> None:
    first, second = sorted(workers.files.phones)
    workers.call("phones", "pause", first, "--reason", "test")
    workers.turn_clock("2026-03-03 08:00+00")

    with workers.worker("arq") as worker:
        workers.sent(worker, 3)
        workers.call("phones", "resume", first, "--reason", "test")
        workers.sent(worker, 4)

    senders = [line["from"] for line in workers.box.accepted()[2:]]
    assert senders == [second, first]


def test_campaigns_show_their_mail_and_a_breaker_that_is_open(workers: Workers) -> None:
    before = workers.call("campaigns", "--json").json()
    name = before[0]["name"]
    workers.call("stop", "--campaign", name, "--reason", "a wrong price")
    (shut,) = workers.call("campaigns", "--campaign", name, "--json").json()
    said = workers.call("campaigns")
    workers.call("resume", "--campaign", name, "--reason", "price corrected")
    (after,) = workers.call("campaigns", "--json").json()
    unknown = workers.call("campaigns", "--campaign", "none such")

    assert len(before) == 1
    assert before[0]["mail"] == {
        "sent": 0,
        "bounced": 0,
        "complained": 0,
        "delivered": 0,
    }
    assert before[0]["breaker"] is None
    assert before[0]["at_provider"] == []
    assert shut["breaker"]["reason"] == "a wrong price"
    assert "OPEN: a wrong price" in said.out
    assert after == before[0]
    assert unknown.status == 1
    assert "none such" in unknown.err
