"""``outreach simulate``: a table, JSON, a page, and an exit status that says enough."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.campaign_files import write_campaign
from tests.e2e.command_line import CommandLine, command_line

SMALL = ("simulate", "--days", 2, "--phones", 2, "--leads", 30, "--seed", 3)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """No store is set, none is needed."""
    monkeypatch.chdir(tmp_path)
    with command_line() as calls:
        yield calls


def test_it_shows_every_day_and_phone_and_writes_what_is_asked_for(
    call: CommandLine, tmp_path: Path
) -> None:
    said = call(*SMALL, "--html", "page.html", "--json", "all.json")

    everything = json.loads((tmp_path / "all.json").read_text("utf-8"))
    assert said.status == 0, said.err
    assert "2026-03-02" in said.out
    assert "+40740000001" in said.out
    assert "No rule was broken." in said.out
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [day["day"] for day in everything["days"]] == ["2026-03-02", "2026-03-03"]
    assert everything["broken"] == []
    assert everything["accepted"] == everything["summary"]["sent"]["WHATSAPP"]


def test_json_alone_on_standard_output_is_the_same_each_time(call: CommandLine) -> None:
    first, again = (call(*SMALL, "--json", "-") for _ in range(2))

    assert first.json()["asked"]["seed"] == 3
    assert first.out == again.out


def test_a_sequence_of_yours_is_played(call: CommandLine, tmp_path: Path) -> None:
    files = write_campaign(tmp_path, leads=1, phones=1, limit=40, follow_up_minutes=60)

    found = call(*SMALL, "--sequence", files.sequence, "--json", "-").json()

    assert found["plan"]["needed_per_sender_day"] > 15
    assert sum(day["followups"] for day in found["days"]) > 0


def test_a_sequence_that_no_phone_can_send_is_told(
    call: CommandLine, tmp_path: Path
) -> None:
    mail = tmp_path / "mail.toml"
    mail.write_text(
        '[sequence]\nname = "mail"\nprimary_channel = "EMAIL_COLD"\n'
        '[[step]]\nchannel = "EMAIL_COLD"\ntemplate = "one"\n'
        '[[template]]\nname = "one"\nchannel = "EMAIL_COLD"\nsubject = "Ofertă"\n'
        'content = "Bună ziua! {{unsubscribe_link}}"\n',
        "utf-8",
    )

    said = call(*SMALL, "--sequence", mail)

    assert said.status == 2
    assert "a simulation has phones only" in said.err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--phones", 0), "phones = 0: give 1 to 1000"),
        (("--reply-rate", 2), "reply_rate = 2.0"),
        (("--faults", "some"), "--faults"),
        (("--html", "no/such/folder/page.html"), "cannot be written"),
        (("--sequence", "nowhere.toml"), "nowhere.toml"),
        (("--from", "tomorrow"), "is no ISO 8601 time"),
    ],
)
def test_what_cannot_be_is_wrong_usage_and_named(
    call: CommandLine, flags: tuple[object, ...], says: str
) -> None:
    said = call("simulate", *flags)

    assert said.status == 2
    assert says in said.err
    assert "Traceback" not in said.err
