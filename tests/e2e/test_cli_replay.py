"""``outreach webhooks replay`` over what a run on the sandbox has left."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import psycopg
import pytest
import redis
from attrs import evolve, frozen
from tests.e2e.command_line import CommandLine, command_line
from tests.e2e.invented_site import invent
from tests.e2e.running import outreach, rows
from tests.servers import open_folder

from outreach.adapters.rules import RuleAnalyst
from outreach.adapters.timelinesai.webhooks import TimelinesReader
from outreach.domain.analysis import Analysis, Reply, ReplyIntent
from outreach.domain.change import Change, Known
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.reaction import react
from outreach.domain.replying import Received
from outreach.domain.usecases import replay_events
from outreach.entrypoints.replaying import Barred

SPEED: Final = 4000
KNOBS: Final = (
    *("cold_mail_reply=0.5", "reply_to_first=0.6", "mail_bounced=0.1"),
    *("mail_complained=0.05", "mail_unsubscribed=0.05"),
)

COPIES: Final = """
    WITH one AS (
      SELECT k.*, convert_from(r.raw, 'UTF8') AS body
        FROM event_keys k JOIN raw_events r ON r.id = k.id
       WHERE k.provider = 'timelinesai' AND k.type = 'REPLY' ORDER BY k.id LIMIT 1
    ), copies AS (
      SELECT one.*, lpad(to_hex(n), 32, '0')::uuid AS copy,
             split_part(key, ':', -1) AS uid, n
        FROM one, generate_series(1, %(copies)s) AS n
    ), keys AS (
      INSERT INTO event_keys (id, provider, account, key, type, address_hash,
                              received_at, status, due_at, tenant_id, lead_id)
      SELECT copy, provider, account, replace(key, uid, uid || n), type, address_hash,
             received_at, 'APPLIED', due_at, tenant_id, lead_id FROM copies
    ), raws AS (
      INSERT INTO raw_events (id, received_at, tenant_id, raw)
      SELECT copy, received_at, tenant_id,
             convert_to(replace(body, uid, uid || n), 'UTF8') FROM copies
    )
    INSERT INTO applied_changes (tenant_id, key, at)
    SELECT tenant_id, 'event/' || copy, received_at FROM copies
"""
"""Of one reply, each with an id at the provider of its own."""


@frozen
class Ran:
    """A database that a run has filled, and the settings to look at it."""

    url: str
    env: dict[str, str]

    @contextmanager
    def calls(self) -> Iterator[CommandLine]:
        with command_line(**self.env) as call:
            yield call


@pytest.fixture(scope="module")
def ran(
    new_database: Callable[[str], str], migrated_template: str, redis_url: str
) -> Iterator[Ran]:
    url = new_database(migrated_template)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    with open_folder() as folder:
        env = {
            "OUTREACH_DATABASE_URL": url,
            "OUTREACH_REDIS_URL": redis_url,
            "OUTREACH_DATA_DIR": str(folder / "data"),
        }
        files = invent(folder, 5)
        for until in ("2026-03-03T13:30", "2026-03-04T17:55"):
            with outreach(
                *("run", "--leads", files.leads, "--sequence", files.sequence),
                *("--senders", files.senders, "--speed", SPEED),
                *("--from", "2026-03-03T09:00", "--until", until),
                *(part for knob in KNOBS for part in ("--knob", knob)),
                words=folder,
                env=env,
            ) as run:
                assert run.status() == 0, run.err
            people_at_work(env)
        yield Ran(url, env)


def people_at_work(env: dict[str, str]) -> None:
    """Half of those who are waited for are taken over, the others left to the run."""
    with command_line(**env) as call:
        for number, item in enumerate(call("reviews", "list", "--json").json()):
            verb = ("take-over", "reject")[number % 2]
            shown = ("--fingerprint", item["fingerprint"])
            done = call("reviews", verb, item["id"], "--by", "ana", *shown)
            assert done.status == 0, done.err


def whole(url: str) -> dict[str, Any]:
    """Every row of every table, by where it lies and which transaction wrote it."""
    with psycopg.connect(url, options="-c search_path=outreach") as admin:
        names = admin.execute(
            """
            SELECT relname FROM pg_class
             WHERE relnamespace = 'outreach'::regnamespace AND relkind = 'r'
            """
        ).fetchall()
        found = {}
        for (name,) in names:
            query = f"""
                SELECT count(*), md5(string_agg(ctid || ' ' || xmin, ',' ORDER BY ctid))
                  FROM "{name}"
                """
            found[name] = admin.execute(query.encode()).fetchone()
    return found


def compared(ran: Ran, *args: str) -> dict[str, Any]:
    with ran.calls() as call:
        said = call("webhooks", "replay", "--diff", "--json", *args)
    found: dict[str, Any] = json.loads(said.out)
    assert said.status == bool(found["different"]), said.err
    return found


def topics(found: dict[str, Any]) -> dict[str, set[str]]:
    return {
        one["event"]: {each["topic"] for each in one["differences"]}
        for one in found["differences"]
    }


def test_the_same_version_decides_every_event_of_a_run_as_it_was(ran: Ran) -> None:
    stored = rows(ran.url, "SELECT id FROM event_keys")
    kinds = {one["type"] for one in rows(ran.url, "SELECT type FROM event_keys")}

    found = compared(ran)

    assert found["differences"] == []
    assert found["events"] == found["decided"] == found["same"] == len(stored) > 50
    assert {"SENT", "REPLY", "BOUNCE", "UNSUBSCRIBE"} <= kinds


def test_a_comparison_writes_no_row_and_reaches_nobody(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    refuse = Barred._refuse

    def spied(self: Barred, what: str) -> NoReturn:
        asked.append(f"{self.name}.{what}")
        refuse(self, what)

    connected: list[Any] = []

    class Line(socket.socket):
        def connect(self, address: Any) -> None:
            connected.append(address)
            super().connect(address)

    monkeypatch.setattr(Barred, "_refuse", spied)
    monkeypatch.setattr(socket, "socket", Line)
    before = whole(ran.url)

    compared(ran)

    assert whole(ran.url) == before
    assert sum(count for count, _ in before.values()) > 500
    assert asked == []
    assert connected == []


def test_a_changed_rule_shows_the_events_that_it_decides_differently(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lax(known: Known, received: Received) -> Change:
        return evolve(react(known, received), suppressions=())

    made = rows(ran.url, "SELECT DISTINCT caused_by FROM suppressions")
    events = {one["caused_by"].removeprefix("event/") for one in made}
    monkeypatch.setattr(replay_events, "react", lax)

    found = compared(ran)

    assert topics(found) == {one: {"suppression"} for one in events} != {}


def test_a_changed_reader_shows_the_events_that_it_reads_differently(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = TimelinesReader.read

    def changed(self: TimelinesReader, raw: bytes) -> Sequence[SystemEvent]:
        return [
            evolve(one, type=EventType.DELIVERED) if one.type == "SENT" else one
            for one in read(self, raw)
        ]

    query = "SELECT id FROM event_keys WHERE provider = 'timelinesai' AND type = 'SENT'"
    sent = {str(one["id"]) for one in rows(ran.url, query)}
    monkeypatch.setattr(TimelinesReader, "read", changed)

    found = compared(ran)

    assert topics(found) == {one: {"type"} for one in sent} != {}
    (first, *_) = found["differences"][0]["differences"]
    assert (first["was"], first["now"]) == ("SENT", "DELIVERED")


def test_a_changed_lexicon_shows_the_replies_that_it_takes_for_others(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse = RuleAnalyst.analyse

    async def deaf(self: RuleAnalyst, reply: Reply, **about: Any) -> Analysis:
        found = await analyse(self, reply, **about)
        if found.intent is not ReplyIntent.UNSUBSCRIBE:
            return found
        return evolve(found, intent=ReplyIntent.NEUTRAL)

    query = """
        SELECT id FROM gold_communication_log WHERE direction = 'INBOUND'
           AND ai_analysis ->> 'intent' = 'UNSUBSCRIBE'
        """
    said = {str(one["id"]) for one in rows(ran.url, query)}
    monkeypatch.setattr(RuleAnalyst, "analyse", deaf)

    found = topics(compared(ran))

    assert set(found) == said != set()
    assert all({"analysis", "suppression"} <= of for of in found.values())


def test_a_broken_rule_is_a_difference_and_not_the_end(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(known: Known, received: Received) -> Change:
        raise KeyError(known.tenant, received.id)

    monkeypatch.setattr(replay_events, "react", broken)

    found = compared(ran, "--limit", "7")

    assert [set(one) for one in topics(found).values()] == [{"rules"}] * 7


def test_a_comparison_for_people_is_a_line_for_each_difference_and_a_summary(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ran.calls() as call:
        same = call("webhooks", "replay", "--diff", "--provider", "links")
        monkeypatch.setattr(
            replay_events,
            "react",
            lambda known, received: evolve(react(known, received), suppressions=()),
        )
        other = call("webhooks", "replay", "--diff", "--provider", "links")

    assert same.status == 0
    assert " the same, 0 different." in same.out
    assert other.status == 1
    lines = other.out.splitlines()
    assert "suppression: " in " ".join(lines)
    assert " 0 the same, " in " ".join(lines)
    assert "@" not in other.out


def test_thousands_of_events_are_compared_quickly(ran: Ran) -> None:
    """Copies of replies, under ids of their own; they come to nothing that is known."""
    with psycopg.connect(ran.url, options="-c search_path=outreach") as admin:
        admin.execute(COPIES, {"copies": 5_000})
        admin.commit()
    began = time.monotonic()
    try:
        found = compared(ran)
    finally:
        with psycopg.connect(ran.url, options="-c search_path=outreach") as admin:
            admin.execute("DELETE FROM applied_changes WHERE key LIKE 'event/0000%'")
            admin.execute("DELETE FROM raw_events WHERE id::text LIKE '0000%'")
            admin.execute("DELETE FROM event_keys WHERE id::text LIKE '0000%'")
            admin.commit()

    assert found["decided"] > 5_000
    assert time.monotonic() - began < 90


def test_what_is_parked_for_a_person_goes_back_into_the_queue(ran: Ran) -> None:
    park = """
        UPDATE event_keys SET status = 'PARKED', why = 'unmatched', due_at = 'infinity'
         WHERE id = (SELECT min(id::text)::uuid FROM event_keys)
        """
    look = "SELECT status, tries, why FROM event_keys ORDER BY id::text LIMIT 1"
    with psycopg.connect(ran.url, options="-c search_path=outreach") as admin:
        admin.execute(park)
        admin.commit()

    with ran.calls() as call:
        looked = call("webhooks", "replay", "--diff")
        still = rows(ran.url, look)
        others = call("webhooks", "replay", "--provider", "nobody")
        back = call("webhooks", "replay", "--json").json()
        again = call("webhooks", "replay")

    assert looked.status == 0, looked.out
    assert still[0]["status"] == "PARKED"
    assert others.out == "0 parked events put back into the queue.\n"
    assert back == {"put_back": 1}
    assert again.out == others.out
    assert rows(ran.url, look) == [{"status": "WAITING", "tries": 0, "why": ""}]


def test_why_says_of_each_send_what_let_it_go_and_decides_it_again(ran: Ran) -> None:
    query = "SELECT id, intent_id, lead_id FROM attempts ORDER BY called_at"
    sent = rows(ran.url, query)
    with ran.calls() as call:
        stories = [call("why", lead, "--json").json() for lead in leads_of(sent)[:12]]
        by_attempt = call("why", str(sent[0]["id"])[:13], "--json").json()
        by_message = call("why", sent[0]["intent_id"])

    for story in stories:
        made = [one for one in story["recorded"] if one["attempt"]]
        assert made
        for one in story["recorded"]:
            assert one["again"]["same"], one
            assert one["again"]["verdict"] == one["verdict"]
        for one in made:
            rules = [each["rule"] for each in one["let_go"]]
            assert rules[:4] == ["run", "person", "people", "switches"]
            assert {"channel", "sender", "due", "window"} <= set(rules)
    assert by_attempt["lead"] == str(sent[0]["lead_id"])
    assert by_message.status == 0
    words = " ".join(by_message.out.split())
    assert f"attempt {sent[0]['id']}" in words
    tries = [one for one in sent if one["intent_id"] == sent[0]["intent_id"]]
    assert words.count("Why step") == len(tries)
    assert "decided again from the recorded facts under policy" in words.lower()
    assert "the same verdict." in words


def leads_of(sent: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(one["lead_id"]) for one in sent))


def test_facts_beside_decisions_name_nobody(ran: Ran) -> None:
    with psycopg.connect(ran.url, options="-c search_path=outreach") as admin:
        named = admin.execute(
            """
            SELECT count(*) FROM decisions d JOIN contact_points c
                ON c.lead_id = d.lead_id
             WHERE strpos(lower(d.doc::text), c.value) > 0
            """
        ).fetchone()
        size = admin.execute(
            "SELECT avg(pg_column_size(doc)), max(length(doc::text)) FROM decisions"
        ).fetchone()
    assert named == (0,)
    assert size is not None
    assert size[0] < 2_000, size


@pytest.mark.parametrize(
    "args", [("--since", "yesterday"), ("--limit", "0"), ("--dif",)]
)
def test_wrong_usage_is_status_2(ran: Ran, args: tuple[str, ...]) -> None:
    with ran.calls() as call:
        assert call("webhooks", "replay", *args).status == 2
