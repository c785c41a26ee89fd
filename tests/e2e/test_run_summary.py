"""One run of two days with every fault: its summary is what the provider accepted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from attrs import frozen
from tests.e2e.campaign_files import CampaignFiles, step_of, write_campaign
from tests.e2e.judging import (
    SENDS,
    delivered,
    doubles,
    new_per_day,
    outside_window,
    too_close,
    uses,
    written_after,
)
from tests.e2e.running import Home, opened_home

SPEED: Final = 8000
GAP_S: Final = 30
STOPS: Final = frozenset({"stop", "polite_opt_out"})
ANSWERS: Final = STOPS | {
    *("interested", "question", "price", "not_interested", "wrong_person"),
    *("angry", "legal_threat", "neutral", "media", "emoji"),
}
KNOBS: Final = ("sure_by=60", "reply_to_first=0.4", "webhook_repeated=0.1")


@frozen
class Done:
    """A run that ended by itself, and everything there is to judge it by."""

    files: CampaignFiles
    summary: dict[str, Any]
    accepted: list[dict[str, Any]]
    happened: list[dict[str, Any]]
    sends: list[dict[str, Any]]
    home: Home


@contextmanager
def run_of_two_days() -> Iterator[Done]:
    with opened_home() as home:
        words = home.folder.parent
        files = write_campaign(
            words, leads=120, phones=4, limit=12, follow_up_minutes=20 * 60
        )
        knobs = [part for knob in KNOBS for part in ("--knob", knob)]
        with home.run(
            *files.options,
            *("--speed", SPEED, "--json", words / "summary.json"),
            *("--from", "2026-03-03T09:00", "--until", "2026-03-04T12:00"),
            *knobs,
        ) as run:
            status = run.status()
        assert status == 0, run.err
        yield Done(
            files=files,
            summary=json.loads((words / "summary.json").read_text()),
            accepted=home.accepted(),
            happened=home.happened(),
            sends=home.rows(SENDS),
            home=home,
        )


def every_message_accepted_is_one_attempt_with_its_text_phone_and_person(
    done: Done,
) -> None:
    accepted = {
        (line["message_uid"], line["from"], line["to"], line["text"])
        for line in done.accepted
    }
    booked = [
        (send["uid"], send["phone"], send["recipient"], send["text"])
        for send in done.sends
        if send["outcome"] == "ACCEPTED"
    ]

    assert len(booked) == len(set(booked)) == len(done.accepted)
    assert set(booked) == accepted


def the_summary_counts_what_was_accepted_phone_by_phone(done: Done) -> None:
    used = uses(done.accepted)
    counted = {
        phone["phone"]: (phone["new"], phone["followups"])
        for phone in done.summary["phones"]
    }

    assert done.summary["sent"] == {"WHATSAPP": len(done.accepted)}
    assert counted == {
        phone: (used[phone].new, used[phone].followups) for phone in done.files.phones
    }
    assert {phone["limit"] for phone in done.summary["phones"]} == {done.files.limit}
    assert sum(use.followups for use in used.values()) > 10


def the_summary_counts_the_files_and_the_people(done: Done) -> None:
    summary = done.summary

    assert (summary["rows"], summary["imported"], summary["merged"]) == (120, 120, 0)
    assert (summary["rejected"], summary["enrolled"]) == (0, 120)


def every_kind_of_fault_happened(done: Done) -> None:
    faults = Counter(line["kind"] for line in done.happened if line.get("of") == "send")
    passes = Counter(
        line["pass"] for line in done.happened if line["kind"] == "webhook"
    )
    outcomes = Counter(send["outcome"] for send in done.sends)

    assert {"429", "503", "lost_before", "lost_after"} <= faults.keys()
    assert {"repeat", "late"} <= passes.keys()
    assert outcomes["RELEASED"] >= 2
    assert outcomes["UNKNOWN"] + outcomes["ABANDONED"] == done.summary["unknown"]
    assert done.summary["unknown"] >= 1


def a_send_whose_answer_was_lost_was_looked_up_and_found(done: Done) -> None:
    lost = {line["message_uid"] for line in done.accepted if line["answer"] == "lost"}
    found = {send["uid"] for send in done.sends if send["outcome"] == "ACCEPTED"}

    assert lost
    assert lost <= found


def nobody_got_a_step_or_a_text_twice(done: Done) -> None:
    assert {step_of(line) for line in done.accepted} == {1, 2}
    assert doubles(done.accepted) == []


def no_phone_wrote_to_more_strangers_on_a_day_than_its_limit(done: Done) -> None:
    counts = new_per_day(done.accepted, done.sends)

    assert len({day for _, day in counts}) == 2
    assert max(counts.values()) <= done.files.limit
    assert done.files.limit in counts.values()


def no_phone_sent_twice_within_its_gap(done: Done) -> None:
    assert too_close(done.accepted, GAP_S / SPEED) == []


def every_send_was_within_the_window(done: Done) -> None:
    assert outside_window(done.sends) == []


def nobody_was_written_to_after_saying_stop(done: Done) -> None:
    stops = [
        line
        for line in done.happened
        if line["kind"] == "reply" and line["reply"] in STOPS
    ]

    assert len(stops) >= 2
    assert written_after(ANSWERS, done.happened, done.sends) == []


def every_reply_whose_webhook_was_answered_is_one_event_and_one_reply(
    done: Done,
) -> None:
    groups = {
        line["message_uid"]
        for line in done.happened
        if line["kind"] == "reply" and line["group"]
    }
    told = Counter(
        line["event_type"]
        for line in delivered(done.happened)
        if line["key"] not in groups
    )
    events = done.summary["events"]

    assert events["REPLY"] == told["message:received:new"] > 10
    assert done.summary["replies"] == events["REPLY"]
    assert events["SENT"] == told["message:sent:new"]
    assert sum(done.summary["replies_by_intent"].values()) == done.summary["replies"]


def every_event_was_applied_once_and_every_reply_stopped_its_sequence(
    done: Done,
) -> None:
    waiting = done.home.rows(
        "SELECT type, why FROM event_keys WHERE status = 'WAITING'"
    )
    going_on = done.home.rows(
        """
        SELECT j.id FROM gold_lead_journey j
          JOIN sequence_enrollments e ON e.lead_journey_id = j.id
         WHERE j.reply_count > 0 AND e.status = 'ACTIVE'
        """
    )

    assert waiting == []
    assert going_on == []


def test_a_run_of_two_days_is_counted_as_the_provider_counts_it() -> None:
    """One test: the run takes long, and is not to be made in every process of xdist."""
    with run_of_two_days() as done:
        every_message_accepted_is_one_attempt_with_its_text_phone_and_person(done)
        the_summary_counts_what_was_accepted_phone_by_phone(done)
        the_summary_counts_the_files_and_the_people(done)
        every_kind_of_fault_happened(done)
        a_send_whose_answer_was_lost_was_looked_up_and_found(done)
        nobody_got_a_step_or_a_text_twice(done)
        no_phone_wrote_to_more_strangers_on_a_day_than_its_limit(done)
        no_phone_sent_twice_within_its_gap(done)
        every_send_was_within_the_window(done)
        nobody_was_written_to_after_saying_stop(done)
        every_reply_whose_webhook_was_answered_is_one_event_and_one_reply(done)
        every_event_was_applied_once_and_every_reply_stopped_its_sequence(done)
