"""What an operator does in a day, command by command, on real servers."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.e2e.command_line import CommandLine, command_line, spawn

from outreach.domain.analysis import Analysis, Reply, ReplyIntent
from outreach.domain.answer import opened
from outreach.domain.change import Change, Done, ReviewChange
from outreach.domain.ids import ReviewId
from outreach.domain.review import Priority, ReviewReason, Trigger
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.made import reviewers
from outreach.entrypoints.settings import Settings

LEADS = """\
denumire;cui;telefon;email;judet
Agro Unu SRL;;0740000101;;Cluj
Agro Doi SRL;;0740000102;;Cluj
Agro Trei SRL;;;x@agrotrei.ro;Cluj
Agro \x1b[31mPatru;;0740000104;;Cluj
Fara Contact SRL;;;;Cluj
"""
PHONES = """
[[sender]]
phone = "+40740000001"
label = "one"
daily_limit = 40
total_per_day = 150
"""
SEQUENCE = """\
[sequence]
name = "Spring"
[[step]]
channel = "WHATSAPP"
template = "intro"
[[template]]
name = "intro"
content = "{Salut|Bună}, {{company_name}}!"
"""


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> Iterator[CommandLine]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text(LEADS, "utf-8")
    (tmp_path / "phones.toml").write_text(PHONES, "utf-8")
    (tmp_path / "sequence.toml").write_text(SEQUENCE, "utf-8")
    with command_line(
        OUTREACH_DATABASE_URL=fresh_postgres_url,
        OUTREACH_REDIS_URL=empty_redis_url,
        OUTREACH_DATA_DIR=str(tmp_path / "data"),
    ) as calls:
        yield calls


@pytest.fixture
def enrolled(call: CommandLine) -> CommandLine:
    for command in (
        ("phones", "import", "phones.toml"),
        ("leads", "import", "leads.csv"),
        ("enroll", "--sequence", "sequence.toml"),
    ):
        assert call(*command).status == 0
    return call


def test_a_rehearsed_import_tells_what_a_real_one_does_and_stores_nothing(
    call: CommandLine, tmp_path: Path
) -> None:
    rehearsed = call("leads", "import", "leads.csv", "--dry-run", "--json").json()
    files = {path.name for path in tmp_path.iterdir()}
    real = call("leads", "import", "leads.csv", "--json").json()
    again = call("leads", "import", "leads.csv", "--json").json()

    counts = ("rows", "imported", "merged", "unchanged", "rejected")
    assert [rehearsed[name] for name in counts] == [5, 4, 0, 0, 1]
    assert [real[name] for name in counts] == [5, 4, 0, 0, 1]
    assert [again[name] for name in counts] == [5, 0, 0, 4, 1]
    assert rehearsed["rejects_file"] is None
    assert "leads.rejects.csv" not in files
    assert "Fara Contact SRL" in Path(real["rejects_file"]).read_text("utf-8")
    assert real["rejected_because"] == rehearsed["rejected_because"]
    assert real["rejected_because"][0]["rows"] == [6]


def test_an_import_shows_counts_and_reasons_to_people(call: CommandLine) -> None:
    said = call("leads", "import", "leads.csv")

    assert "no phone and no e-mail address" in said.out
    assert "5 rows: 4 imported, 0 merged, 0 unchanged, 1 rejected" in said.out


def test_columns_are_found_by_a_mapping_either_way_round(
    call: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "odd.csv").write_text("firma;x1\nAgro;0740000109\n", "utf-8")

    one = call("leads", "import", "odd.csv", "--map", "phone=x1", "--json").json()
    other = call("leads", "import", "odd.csv", "--map", "x1=phone", "--json").json()

    assert (one["imported"], other["unchanged"]) == (1, 1)
    assert one["columns"]["phone"] == "x1"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("leads", "import", "noise.csv"), "noise.csv"),
        (
            ("leads", "import", "leads.csv", "--map", "phone=Mobil"),
            "phone=Mobil: there is no",
        ),
        (("leads", "import", "leads.csv", "--region", "XX"), "default region 'XX'"),
        (("leads", "import", "leads.csv", "--encoding", "klingon"), "klingon"),
        (("phones", "import", "noise.csv"), "noise.csv"),
        (("enroll", "--sequence", "broken.toml"), "no template 'intro'"),
        (("suppress", "blah", "0740000102"), "'blah': no phone"),
    ],
)
def test_input_that_cannot_be_used_changes_nothing(
    call: CommandLine, tmp_path: Path, args: tuple[str, ...], words: str
) -> None:
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "broken.toml").write_text(SEQUENCE.partition("[[template]]")[0])
    with (tmp_path / "broken.toml").open("a") as file:
        file.write('[[template]]\nname = "other"\ncontent = "{a|b}"\n')

    said = call(*args)

    assert said.status == 2
    assert words in said.err
    assert said.err.startswith("outreach: ")
    assert "Traceback" not in said.err
    assert call("status", "--json").json()["phones"] == []


def test_what_no_phone_can_send_is_not_enrolled_without_a_reason(
    call: CommandLine,
) -> None:
    call("leads", "import", "leads.csv")

    refused = call("enroll", "--sequence", "sequence.toml")
    forced = call(
        *("enroll", "--sequence", "sequence.toml", "--json", "--by", "ana"),
        *("--override-capacity", "phones come tomorrow"),
    )

    assert refused.status == 1
    assert "no phone may start conversations" in refused.err
    assert "Enrolled anyway by ana: phones come tomorrow" in forced.err
    assert forced.json()["capacity"]["overridden"] == "phones come tomorrow"
    assert forced.json()["enrolled"] == 3


def test_enrolling_counts_who_is_skipped_and_does_it_once(call: CommandLine) -> None:
    call("phones", "import", "phones.toml")
    call("leads", "import", "leads.csv")

    first = call("enroll", "--sequence", "sequence.toml", "--json").json()
    again = call("enroll", "--sequence", "Spring", "--json").json()
    unknown = call("enroll", "--sequence", "Autumn")

    assert (first["enrolled"], first["skipped"]) == (3, {"NO_CHANNEL": 1})
    assert (again["enrolled"], again["campaign"]) == (0, "Spring")
    assert unknown.status == 1
    assert "no sequence is called 'Autumn'" in unknown.err


def test_why_answers_for_a_number_in_any_writing(enrolled: CommandLine) -> None:
    by_number = enrolled("why", "0740 000 101", "--json").json()
    by_id = enrolled("why", by_number["lead"][:13], "--json").json()
    skipped = enrolled("why", "x@agrotrei.ro")

    assert by_number["name"] == "Agro Unu SRL"
    assert by_number["messages"][0]["binding"] == "UNALLOCATED"
    assert by_number["says"].startswith("Not sent: ")
    assert by_id["lead"] == by_number["lead"]
    assert skipped.out.startswith("Not sent, and nothing waits: it has no contact")


def test_why_says_what_it_looked_for_when_there_is_no_such_lead(
    enrolled: CommandLine,
) -> None:
    said = enrolled("why", "+40 799 999 999")

    assert said.status == 1
    assert "no lead is meant by '+40 799 999 999'" in said.err


def test_what_a_lead_is_called_cannot_colour_the_terminal(
    enrolled: CommandLine,
) -> None:
    said = enrolled("why", "0740000104")

    assert "Patru" in said.out
    assert "\x1b" not in said.out


def test_a_stop_is_seen_by_why_and_status_until_it_is_lifted(
    enrolled: CommandLine,
) -> None:
    stopped = enrolled("stop", "--reason", "wrong price", "--by", "ana")
    why = enrolled("why", "0740000101", "--json").json()
    status = enrolled("status", "--json").json()
    resumed = enrolled("resume", "--reason", "corrected")
    after = enrolled("status", "--json").json()
    again = enrolled("resume", "--reason", "corrected")

    assert stopped.out == "Stopped: everything, by ana: wrong price\n"
    assert why["messages"][0]["binding"] == "STOPPED"
    # What else is in the way depends on the hour at which this test runs.
    assert why["says"].startswith("Not sent: all sending is stopped (by ana)")
    assert "outreach resume" in json.dumps(why)
    assert [one["reason"] for one in status["switches"]] == ["wrong price"]
    assert resumed.status == 0
    assert after["switches"] == []
    assert again.status == 1
    assert "everything was not stopped" in again.err


def test_a_campaign_is_stopped_and_let_go_on_by_its_name(enrolled: CommandLine) -> None:
    stopped = enrolled("stop", "--campaign", "Spring", "--reason", "x", "--json").json()
    why = enrolled("why", "0740000101", "--json").json()
    unknown = enrolled("resume", "--campaign", "Autumn", "--reason", "y")
    resumed = enrolled("resume", "--campaign", stopped["of"], "--reason", "y")
    status = enrolled("status", "--json").json()

    assert stopped["scope"] == "CAMPAIGN"
    reasons = {one["reason"] for one in why["messages"][0]["reasons"]}
    assert "BREAKER_OPEN" in reasons
    assert (unknown.status, resumed.status) == (1, 0)
    assert "no campaign is called 'Autumn'" in unknown.err
    assert (status["switches"], status["unconfirmed_stops"]) == ([], [])


def test_a_stop_of_one_phone_is_named_by_its_label(enrolled: CommandLine) -> None:
    phone = enrolled("phones", "list", "--json").json()[0]

    stopped = enrolled("stop", "--sender", "one", "--reason", "x", "--json").json()
    enrolled("stop", "--channel", "whatsapp", "--reason", "y")
    lifted = enrolled("resume", "--sender", "one", "--reason", "x", "--json").json()

    assert (stopped["scope"], stopped["of"]) == ("SENDER", phone["id"])
    assert [one["of"] for one in lifted["still_stopped"]] == ["WHATSAPP"]


def test_a_phone_is_paused_with_a_reason_and_resumed(enrolled: CommandLine) -> None:
    paused = enrolled("phones", "pause", "one", "--reason", "new SIM", "--json").json()
    listed = enrolled("phones", "list", "--json").json()
    shown = enrolled("phones", "list").out
    twice = enrolled("phones", "pause", "one", "--reason", "new SIM")
    resumed = enrolled("phones", "resume", "+40740000001", "--reason", "done").out
    unknown = enrolled("phones", "pause", "seven", "--reason", "x")

    assert (paused["before"], paused["state"]) == ("ACTIVE", "PAUSED")
    assert listed[0]["state_reason"] == "new SIM"
    assert "PAUSED: new" in shown
    assert twice.out == "+40740000001 stays PAUSED\n"
    assert resumed == "+40740000001 was PAUSED and is ACTIVE now\n"
    assert unknown.status == 1


def test_a_suppressed_number_gets_nothing_any_more(
    enrolled: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "stop.txt").write_text("0740000102\n\n+40740000102\n", "utf-8")

    first = enrolled(
        "suppress",
        "--file",
        "stop.txt",
        "@Example.ORG",
        "--json",
        "--reason",
        "opt_out",
    ).json()
    again = enrolled("suppress", "0740000102", "--json").json()
    why = enrolled("why", "0740000102", "--json").json()

    assert first == {"addresses": 2, "new": 2, "known": 0}
    assert again == {"addresses": 1, "new": 0, "known": 1}
    assert (why["state"], why["messages"]) == ("DEAD", [])
    assert "nothing waits" in why["says"]


async def _reply(engine: Engine, number: str, text: str) -> None:
    """Have a lead's answer lie before a reviewer."""
    parts = engine.container
    (lead,) = await parts.leads().find(engine.tenant, number)
    (known,) = await parts.journeys().load(engine.tenant, [lead.id])
    analysis = Analysis(ReplyIntent.QUESTION, 20, 0.9, "ro", ("preț",), "rules/1")
    trigger = Trigger(
        ReviewReason.KEYWORD_TRIGGER,
        Priority.HIGH,
        text=Reply(text).text,
        analysis=analysis,
        suggested="Bună ziua! Revenim cu oferta.",
    )
    item = opened(
        known, trigger, key=f"test/{number}", calendar=reviewers(engine.settings)
    )
    change = Change(
        tenant=engine.tenant,
        lead=lead.id,
        key=f"test/{number}",
        expected=known.journey.version,
        journey=known.journey,
        review=ReviewChange(item, "OPENED", "engine"),
    )
    assert await parts.journeys().commit([change]) == [Done.DONE]


@pytest.fixture
def asked(
    enrolled: CommandLine, fresh_postgres_url: str, empty_redis_url: str
) -> CommandLine:
    """Two leads have written."""

    async def write() -> None:
        urls = Urls(fresh_postgres_url, empty_redis_url)
        async with open_engine(Settings(data_dir="data"), urls) as engine:
            await _reply(engine, "+40740000101", "Cât costă? \x1b[2J")
            await _reply(engine, "+40740000102", "Ce preț are?")

    asyncio.run(write())
    return enrolled


def queue(call: CommandLine, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("reviews", "list", "--json", *more).json()
    return found


def test_the_queue_is_listed_and_narrowed(asked: CommandLine) -> None:
    found = queue(asked)
    shown = asked("reviews", "list").out

    assert {one["company"] for one in found} == {"Agro Unu SRL", "Agro Doi SRL"}
    assert queue(asked, "--priority", "urgent") == []
    assert len(queue(asked, "--limit", "1")) == 1
    assert found[0]["id"][:13] in shown
    assert "\x1b" not in shown


def test_an_item_is_shown_with_all_it_takes_to_decide(asked: CommandLine) -> None:
    item = next(one for one in queue(asked) if one["company"] == "Agro Unu SRL")

    shown = asked("reviews", "show", item["id"][:13]).out

    assert "HIGH KEYWORD_TRIGGER, PENDING" in shown
    assert "rules/1 reads QUESTION: sentiment +20, confidence 90%" in shown
    assert r"Cât costă? \x1b[2J" in shown
    assert "Bună ziua! Revenim cu oferta." in shown
    assert f"fingerprint {item['fingerprint']}" in shown
    assert "\x1b" not in shown


def test_an_approval_is_bound_to_what_was_shown(asked: CommandLine) -> None:
    item = queue(asked)[0]

    stale = asked("reviews", "approve", item["id"], "--fingerprint", "0" * 64)
    done = asked(
        *("reviews", "approve", item["id"], "--fingerprint", item["fingerprint"]),
        *("--by", "ana", "--outside-window", "--json"),
    ).json()
    twice = asked(
        "reviews", "approve", item["id"], "--fingerprint", item["fingerprint"]
    )
    story = asked("reviews", "show", item["id"], "--json").json()

    assert (stale.status, twice.status) == (1, 1)
    assert "has changed since you saw it" in stale.err
    assert "is resolved already: APPROVED" in twice.err
    assert done["reply"][0]["outside_window"] is True
    assert story["resolution"] == "APPROVED"
    assert ("APPROVED", "ana") in {(one["action"], one["by"]) for one in story["audit"]}


@pytest.mark.parametrize(("key", "status"), [("y", 0), ("n", 1)])
def test_on_a_terminal_the_item_is_shown_and_a_person_asked(
    asked: CommandLine, key: str, status: int
) -> None:
    item = queue(asked)[0]
    keyboard, terminal = pty.openpty()
    os.write(keyboard, f"{key}\n".encode())

    process = spawn("reviews", "approve", item["id"], stdin=terminal, env=asked.env)
    out, err = process.communicate(timeout=60)
    os.close(keyboard)
    os.close(terminal)

    assert process.returncode == status, err
    assert f"fingerprint {item['fingerprint']}" in out
    assert "APPROVED: go on? [y/N]" in err
    assert len(queue(asked)) == 1 + status


def test_an_item_that_somebody_is_at_work_on_is_left_to_them(
    asked: CommandLine, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    item = queue(asked)[0]
    seen = ("--fingerprint", item["fingerprint"])

    async def claim() -> bool:
        urls = Urls(fresh_postgres_url, empty_redis_url)
        async with open_engine(Settings(data_dir="data"), urls) as engine:
            reviews = engine.container.reviews()
            review = ReviewId(UUID(item["id"]))
            taken: bool = await reviews.claim(
                engine.tenant, review, "ana", timedelta(minutes=4)
            )
            return taken

    assert asyncio.run(claim())
    other = asked("reviews", "reject", item["id"], *seen, "--by", "dan")
    own = asked("reviews", "reject", item["id"], *seen, "--by", "ana")

    assert other.status == 1
    assert "somebody else is at work on review" in other.err
    assert own.status == 0


def test_a_reply_of_ones_own_is_planned_as_written(
    asked: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "reply.txt").write_text("Bună! Costă 100 lei.\n", "utf-8")
    item = next(one for one in queue(asked) if one["company"] == "Agro Doi SRL")

    said = asked(
        *("reviews", "edit", item["id"], "--file", "reply.txt"),
        *("--fingerprint", item["fingerprint"]),
    )
    why = asked("why", "0740000102", "--json").json()

    assert said.status == 0
    assert "The reply goes at" in said.out
    assert [one["class"] for one in why["messages"]] == ["NEW", "APPROVED"]


def test_a_takeover_stops_what_goes_by_itself(asked: CommandLine) -> None:
    item = next(one for one in queue(asked) if one["company"] == "Agro Unu SRL")

    done = asked(
        *("reviews", "take-over", item["id"], "--fingerprint", item["fingerprint"]),
        *("--notes", "I call them", "--json"),
    ).json()
    why = asked("why", "0740000101", "--json").json()

    assert done["resolution"] == "TAKEOVER"
    assert why["messages"] == []


def test_status_shows_phones_reviews_and_what_waits(asked: CommandLine) -> None:
    found = asked("status", "--json").json()
    shown = asked("status").out

    assert found["phones"][0]["phone"] == "+40740000001"
    assert found["phones"][0]["limit_today"] == 40
    assert found["phones"][0]["further_limits"] == {"total_per_day": 150}
    assert found["reviews"]["HIGH"]["items"] == 2
    assert found["waiting"] == {"NEW": 3}
    assert (found["unknown"], found["oldest_event"], found["switches"]) == (0, None, [])
    assert "Engine time" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_doctor_finds_a_sound_installation_sound(enrolled: CommandLine) -> None:
    said = enrolled("doctor", "--json")

    found = {one["check"]: one["level"] for one in said.json()["checks"]}
    assert said.json()["healthy"] is True
    assert "fail" not in found.values()
    for check in ("settings", "postgresql", "migrations", "clock", "redis", "phones"):
        assert found[check] == "ok"
    assert found["providers"] == "warn"


def test_doctor_names_what_is_wrong_with_the_way_out(enrolled: CommandLine) -> None:
    enrolled("stop", "--reason", "wrong price")

    said = enrolled(
        "doctor",
        OUTREACH_TIMELINESAI_API_KEY="key",
        OUTREACH_TIMELINESAI_BASE_URL="http://example.com",
        OUTREACH_REDIS_URL="redis://127.0.0.1:1/0",
    )

    assert said.status == 1
    assert "fail  timelinesai address: http://example.com would send the key" in (
        " ".join(said.out.split("\n"))
    )
    assert "fail  redis: does not answer" in said.out
    assert "correct OUTREACH_REDIS_URL" in " ".join(said.out.split())
    assert "warn  public address" in said.out
    assert "key\n" not in said.out


@pytest.mark.parametrize("command", [("status",), ("phones", "list"), ("worker",)])
def test_a_database_that_is_not_migrated_is_named_with_the_way_out(
    call: CommandLine, empty_postgres_url: str, command: tuple[str, ...]
) -> None:
    said = call(*command, OUTREACH_DATABASE_URL=empty_postgres_url)

    assert said.status == 1
    assert "run outreach migrate" in said.err


def test_migrate_says_how_much_was_missing(
    call: CommandLine, empty_postgres_url: str
) -> None:
    first = call("migrate", "--json", OUTREACH_DATABASE_URL=empty_postgres_url).json()
    again = call("migrate", OUTREACH_DATABASE_URL=empty_postgres_url)

    assert first["applied"] > 0
    assert again.out.startswith("0 migrations applied")


@pytest.mark.parametrize("command", [("status",), ("migrate",), ("worker",), ("web",)])
def test_a_database_that_is_down_is_one_clear_line(
    call: CommandLine, command: tuple[str, ...]
) -> None:
    url = "postgresql://user:hidden@127.0.0.1:1/outreach"

    said = call(*command, OUTREACH_DATABASE_URL=url)

    last = said.err.splitlines()[-1]
    assert said.status == 1
    assert last.startswith("outreach: PostgreSQL does not answer")
    assert "hidden" not in said.err
    assert "Traceback" not in said.err


def test_a_worker_without_redis_says_so_and_ends(call: CommandLine) -> None:
    said = call("worker", OUTREACH_REDIS_URL="redis://127.0.0.1:1/0")

    assert said.status == 1
    assert "outreach: Redis does not answer at OUTREACH_REDIS_URL" in said.err


def test_commands_that_need_no_redis_work_without_it(enrolled: CommandLine) -> None:
    said = enrolled("status", "--json", OUTREACH_REDIS_URL="redis://127.0.0.1:1/0")

    assert json.loads(said.out)["phones"]
