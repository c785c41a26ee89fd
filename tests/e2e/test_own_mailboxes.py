"""Mailboxes of our own, as an operator brings them in, over a mail server beside us."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from attrs import frozen
from tests.e2e.command_line import CommandLine, command_line
from tests.e2e.running import Process, outreach, rows, until
from tests.mail_server import MailServer, served_beside
from tests.name_server import SELECTOR, NameServer, fit, named

from outreach.domain.mail_mark import marked_attempts
from outreach.domain.return_path import attempt_returned

TUESDAY: Final = "2026-03-03 08:00+00"
PASSWORD: Final = "canary-of-a-mailbox"
LEADS: Final = """\
denumire;email;temei legal
Agro Unu SRL;unu@firma.ro;consimtamant
Agro Doi SRL;doi@firma.ro;consimtamant
Agro Trei SRL;trei@firma.ro;consimtamant
Agro Patru SRL;patru@firma.ro;consimtamant
"""
SEQUENCE: Final = """\
[sequence]
name = "Spring"
primary_channel = "EMAIL_COLD"
[[step]]
channel = "EMAIL_COLD"
template = "intro"
[[template]]
name = "intro"
channel = "EMAIL_COLD"
subject = "{Pentru|Către} {{company_name}}"
content = "{Salut|Bună}, {{company_name}}! {Cumpărăm|Luăm} grâu."
"""
MAILBOX: Final = """
[[sender]]
channel = "EMAIL_COLD"
provider = "smtp"
address = "{user}@{domain}"
name = "{user} Țăranu"
user = "{user}"
password = "{password}"
"""


@frozen
class Pool:
    """An operator's machine, with a mail server and a name server beside it."""

    folder: Path
    env: dict[str, str]
    call: CommandLine
    server: MailServer
    names: NameServer

    @contextlib.contextmanager
    def worker(self) -> Iterator[Process]:
        words = self.folder / "worker"
        words.mkdir()
        env = {**self.env, "PYTHONPATH": os.pathsep.join(sys.path)}
        with outreach("worker", words=words, env=env) as process:
            yield process

    def mailboxes(self) -> dict[str, dict[str, Any]]:
        found = self.call("mailboxes", "list", "--json").json()
        return {one["mailbox"]: one for one in found}

    def import_(self, *mailboxes: str) -> None:
        (self.folder / "mailboxes.toml").write_text("".join(mailboxes), "utf-8")
        count = self.call("mailboxes", "import", "mailboxes.toml", "--json").json()
        assert count == {"mailboxes": len(mailboxes)}

    def enrolled(self) -> None:
        assert self.call("leads", "import", "leads.csv").status == 0
        enrolled = self.call("enroll", "--sequence", "sequence.toml", "--json").json()
        assert enrolled["enrolled"] == 4

    def turn_clock(self, to: str) -> None:
        with psycopg.connect(self.env["OUTREACH_DATABASE_URL"]) as connection:
            connection.execute(
                "UPDATE outreach.engine_clock SET position = %s::timestamptz", (to,)
            )


@pytest.fixture
def pool(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> Iterator[Pool]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text(LEADS, "utf-8")
    (tmp_path / "sequence.toml").write_text(SEQUENCE, "utf-8")
    server = MailServer(users={"ana": PASSWORD})
    zone = fit("cold.example") | fit("back.example") | fit("new.example")
    del zone["_dmarc.new.example"]
    with (
        served_beside(server),
        named(NameServer(zone=zone)) as names,
    ):
        env = {
            "OUTREACH_DATABASE_URL": fresh_postgres_url,
            "OUTREACH_REDIS_URL": empty_redis_url,
            "OUTREACH_DATA_DIR": str(tmp_path / "data"),
            "OUTREACH_SMTP_HOST": "127.0.0.1",
            "OUTREACH_SMTP_PORT": str(server.port),
            "OUTREACH_SMTP_SECURITY": "none",
            "OUTREACH_SMTP_DKIM_SELECTOR": SELECTOR,
            "OUTREACH_SMTP_BOUNCE_DOMAIN": "back.example",
            "OUTREACH_SMTP_NAMESERVERS": names.address,
        }
        with command_line(**env) as call:
            made = Pool(tmp_path, env, call, server, names)
            made.turn_clock(TUESDAY)
            yield made


def mailbox(user: str, password: str, domain: str = "cold.example") -> str:
    return MAILBOX.format(user=user, password=password, domain=domain)


def test_one_mailbox_writes_and_one_with_a_wrong_password_rests_and_says_so(
    pool: Pool,
) -> None:
    pool.import_(mailbox("ana", PASSWORD), mailbox("ion", "not-his-password"))
    pool.enrolled()

    with pool.worker() as worker:
        until(lambda: _settled(pool) or not worker.runs)
        assert worker.runs, worker.err
        worker.signal(signal.SIGTERM)
        status, said = worker.status(seconds=30), worker.err + worker.out

    assert status == 0
    listed = pool.mailboxes()
    ana, ion = listed["ana@cold.example"], listed["ion@cold.example"]
    assert (ana["state"], ana["sent_today"], ana["most_today"]) == ("WARMING", 1, 5)
    assert ion["state"] == "OFFLINE"
    assert ion["state_reason"] == "sign-in: 535 5.7.8 sign-in not accepted"
    why = [pool.call("why", f"{who}@firma.ro").out for who in _waiting_for(pool, "ion")]
    assert why
    first = "Not sent: mailbox ion@cold.example is OFFLINE (sign-in: 535 5.7.8"
    assert all(" ".join(one.split()).startswith(first) for one in why)
    assert all("outreach mailboxes" in one and "resume" in one for one in why)
    shown = pool.call("mailboxes", "list").out
    assert "1 of 5, warming up" in shown
    for text in (said, shown, *why):
        assert PASSWORD not in text
        assert "not-his-password" not in text

    (taken,) = pool.server.taken
    assert isinstance(taken.content, bytes)
    mail: Any = message_from_bytes(taken.content, policy=policy.default)
    attempt = rows(
        pool.env["OUTREACH_DATABASE_URL"],
        "SELECT id, external_ref FROM outreach.attempts WHERE outcome = 'ACCEPTED'",
    )[0]
    assert mail["From"] == "ana Țăranu <ana@cold.example>"
    assert mail["Message-ID"] == attempt["external_ref"]
    assert marked_attempts([mail["Message-ID"]]) == (attempt["id"],)
    assert attempt_returned(taken.mail_from or "") == attempt["id"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<http://127.0.0.1")
    assert mail["Date"].datetime.year == 2026
    assert "grâu" in mail.get_content()


def _settled(pool: Pool) -> bool:
    """One mailbox has written, and the other is known not to be let in."""
    states = {one["state"] for one in pool.mailboxes().values()}
    return len(pool.server.taken) == 1 and "OFFLINE" in states


def _waiting_for(pool: Pool, user: str) -> list[str]:
    """Leads whose mail waits in that mailbox's lane."""
    found = rows(
        pool.env["OUTREACH_DATABASE_URL"],
        "SELECT c.value FROM outreach.intents i"
        " JOIN outreach.senders p ON p.id = i.lane_id"
        " JOIN outreach.contact_points c ON c.lead_id = i.lead_id"
        f" WHERE i.status = 'WAITING' AND p.number = '{user}@cold.example'",
    )
    return [row["value"].partition("@")[0] for row in found]


def test_a_login_that_other_machines_could_not_open_is_not_stored(pool: Pool) -> None:
    (pool.folder / "mailboxes.toml").write_text(mailbox("ana", PASSWORD), "utf-8")

    told = pool.call(
        "mailboxes",
        "import",
        "mailboxes.toml",
        OUTREACH_PUBLIC_URL="https://mail.example",
    )

    assert told.status != 0
    assert "OUTREACH_SECRET_KEYS" in told.err
    assert PASSWORD not in told.err
    assert pool.mailboxes() == {}


def test_a_new_password_brings_the_mailbox_back_to_work(pool: Pool) -> None:
    pool.import_(mailbox("ana", "an old one"))
    pool.enrolled()
    with pool.worker() as worker:
        until(lambda: _state(pool, "ana") == "OFFLINE" or not worker.runs)
        assert worker.runs, worker.err

        pool.import_(mailbox("ana", PASSWORD))
        resumed = pool.call(
            "mailboxes", "resume", "ana@cold.example", "--reason", "new password"
        )
        pool.turn_clock("2026-03-03 08:20+00")
        pool.call("resume", "--tenant", "--reason", "wake it")
        until(lambda: pool.server.taken or not worker.runs)

        assert worker.runs, worker.err
    assert resumed.status == 0, resumed.err
    assert pool.server.signed_in[-1] == "PLAIN ana"


def _state(pool: Pool, user: str) -> str:
    state: str = pool.mailboxes()[f"{user}@cold.example"]["state"]
    return state


def test_a_domain_without_its_records_sends_nothing_and_doctor_says_why(
    pool: Pool,
) -> None:
    pool.import_(mailbox("ana", PASSWORD, "new.example"))
    pool.enrolled()

    told = pool.call("doctor", "--json")
    with pool.worker() as worker:
        until(lambda: _away(pool) or not worker.runs)
        assert worker.runs, worker.err

    checks = {one["check"]: one for one in _checks(told.out)}
    assert told.status == 1
    assert checks["domain new.example"]["level"] == "fail"
    assert checks["domain new.example"]["says"] == "no DMARC"
    assert checks["smtp DKIM"]["says"] == "the servers sign"
    assert pool.server.met == 0
    (one,) = pool.mailboxes().values()
    assert one["state_reason"] == "its domain is not ready: no DMARC"


def _away(pool: Pool) -> bool:
    return {one["state"] for one in pool.mailboxes().values()} == {"OFFLINE"}


def _checks(out: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(out)["checks"]
    return found
