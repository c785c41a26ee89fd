"""Senders of mail from the command line, beside phones, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.command_line import CommandLine, command_line

SENDERS = """
[[sender]]
phone = "+40740000001"
label = "one"

[[sender]]
channel = "EMAIL_COLD"
provider = "instantly"

[[sender]]
channel = "EMAIL_WARM"
address = "Ana@agro.ro"
label = "Ana"
daily_limit = 300
"""
LEADS = """\
denumire;telefon;email;temei legal
Agro Unu SRL;0740000101;;
Agro Doi SRL;;x@doi.ro;consimtamant
"""
SEQUENCE = """\
[sequence]
name = "Spring"
fallback_channel = "EMAIL_COLD"
[[step]]
channel = "WHATSAPP"
template = "intro"
fallback_template = "intro-mail"
[[template]]
name = "intro"
content = "{Salut|Bună}, {{company_name}}!"
[[template]]
name = "intro-mail"
channel = "EMAIL_COLD"
subject = "{Pentru|Către} {{company_name}}"
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
    (tmp_path / "senders.toml").write_text(SENDERS, "utf-8")
    (tmp_path / "leads.csv").write_text(LEADS, "utf-8")
    (tmp_path / "sequence.toml").write_text(SEQUENCE, "utf-8")
    with command_line(
        OUTREACH_DATABASE_URL=fresh_postgres_url,
        OUTREACH_REDIS_URL=empty_redis_url,
        OUTREACH_DATA_DIR=str(tmp_path / "data"),
    ) as calls:
        yield calls


def test_each_kind_takes_its_own_rows_of_one_file(call: CommandLine) -> None:
    mailboxes = call("mailboxes", "import", "senders.toml", "--json").json()
    phones = call("phones", "import", "senders.toml", "--json").json()
    call("mailboxes", "import", "senders.toml")

    listed = call("mailboxes", "list", "--json").json()
    status = call("status", "--json").json()
    lanes = call("lanes", "--mailbox", "ana@agro.ro", "--json").json()
    shown = call("mailboxes", "list").out

    assert (mailboxes, phones) == ({"mailboxes": 2}, {"phones": 1})
    assert [one["mailbox"] for one in listed] == ["ana@agro.ro", "instantly/default"]
    assert listed[0]["further_limits"] == {"total_per_day": 300}
    assert (listed[1]["channel"], listed[1]["sent_today"]) == ("EMAIL_COLD", 0)
    assert [one["phone"] for one in status["phones"]] == ["+40740000001"]
    assert [one["mailbox"] for one in status["mailboxes"]] == [
        "ana@agro.ro",
        "instantly/default",
    ]
    assert (lanes[0]["mailbox"], "phone" in lanes[0]) == ("ana@agro.ro", False)
    assert "0 of 300" in shown
    assert "phone" not in shown.lower()


def test_a_mailbox_is_paused_and_resumed_under_its_own_name(call: CommandLine) -> None:
    call("mailboxes", "import", "senders.toml")
    call("phones", "import", "senders.toml")

    paused = call(
        "mailboxes", "pause", "Ana", "--reason", "moved to a new host", "--json"
    ).json()
    resumed = call("mailboxes", "resume", "ana@agro.ro", "--reason", "done").out
    wrong = call("mailboxes", "pause", "one", "--reason", "x")
    other = call("phones", "pause", "Ana", "--reason", "x")

    assert (paused["mailbox"], paused["state"]) == ("ana@agro.ro", "PAUSED")
    assert resumed == "ana@agro.ro was PAUSED and is ACTIVE now\n"
    assert "+40740000001 is no mailbox: use outreach phones" in wrong.err
    assert "ana@agro.ro is no phone: use outreach mailboxes" in other.err


def test_who_has_no_number_is_enrolled_by_mail_and_told_why(call: CommandLine) -> None:
    call("mailboxes", "import", "senders.toml")
    call("phones", "import", "senders.toml")
    call("leads", "import", "leads.csv")

    enrolled = call("enroll", "--sequence", "sequence.toml", "--json").json()
    call("mailboxes", "pause", "instantly/default", "--reason", "the plan is full")
    why = call("why", "x@doi.ro").out

    assert (enrolled["enrolled"], enrolled["skipped"]) == (2, {})
    assert "no mailbox of its channel may start conversations" in why


def test_a_sequence_of_mail_alone_needs_no_phone(
    call: CommandLine, tmp_path: Path
) -> None:
    text = SEQUENCE.replace('fallback_channel = "EMAIL_COLD"', "").replace(
        'channel = "WHATSAPP"\ntemplate = "intro"\nfallback_template = "intro-mail"',
        'channel = "EMAIL_COLD"\ntemplate = "intro-mail"',
    )
    (tmp_path / "mail.toml").write_text(text, "utf-8")
    call("mailboxes", "import", "senders.toml")
    call("leads", "import", "leads.csv")

    enrolled = call("enroll", "--sequence", "mail.toml", "--json").json()

    assert enrolled["capacity"]["fits"] is True
    assert (enrolled["enrolled"], enrolled["skipped"]) == (1, {"NO_CHANNEL": 1})
