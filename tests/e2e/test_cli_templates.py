"""`outreach templates check`, on files and on what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.command_line import CommandLine, command_line

SEQUENCE = """\
[sequence]
name = "Spring"
[[step]]
channel = "WHATSAPP"
template = "intro"
[[template]]
name = "intro"
content = "{Salut|Bună} {a|b} {c|d}, {{oferta}}!"
variables = [{ name = "oferta" }]
"""
ANYWAY = ("--override-capacity", "phones come later")
LEADS = """\
denumire;telefon;oferta
Agro Unu SRL;0740000101;gratis
Agro Doi SRL;0740000102;
Agro Trei SRL;;gratis
"""


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> Iterator[CommandLine]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sequence.toml").write_text(SEQUENCE, encoding="utf-8")
    (tmp_path / "leads.csv").write_text(LEADS, encoding="utf-8")
    urls = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": empty_redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path / "data"),
    }
    with command_line(**urls) as opened:
        assert opened("migrate").status == 0
        yield opened


def test_texts_are_checked_alone_against_a_file_and_against_what_is_stored(
    call: CommandLine,
) -> None:
    alone = call("templates", "check", "sequence.toml")
    few = call("templates", "check", "sequence.toml", "--minimum", "9")
    against = call("templates", "check", "sequence.toml", "--leads", "leads.csv")
    before = call("leads", "import", "leads.csv", "--dry-run", "--json").json()
    call("leads", "import", "leads.csv")
    stored = call("templates", "check", "sequence.toml", "--stored", "--json")

    assert alone.status == 0
    assert "Nothing is wrong." in alone.out
    assert few.status == 1
    assert "gives 8 different texts, 9 are needed" in few.out
    assert against.status == 1
    assert "1 leads get no text (row 3)" in against.out
    assert before["imported"] == 2
    assert stored.status == 1
    assert '"leads": 2' in stored.out
    assert '"variants": 8' in stored.out


def test_a_stored_sequence_is_checked_by_its_name(call: CommandLine) -> None:
    call("leads", "import", "leads.csv")
    enrolled = call("enroll", "--sequence", "sequence.toml", *ANYWAY, "--json").json()
    found = call("templates", "check", "Spring", "--minimum", "8")
    unknown = call("templates", "check", "Autumn")
    both = call("templates", "check", "Spring", "--stored", "--leads", "leads.csv")

    assert enrolled["skipped"] == {"NO_TEMPLATE": 1}
    assert found.status == 0
    assert unknown.status == 1
    assert "Autumn" in unknown.err
    assert both.status == 2


def test_a_link_in_a_first_message_is_refused_until_the_tenant_allows_it(
    call: CommandLine, tmp_path: Path
) -> None:
    linked = SEQUENCE.replace("{{oferta}}!", "exemplu.ro {{oferta}}!")
    (tmp_path / "sequence.toml").write_text(linked, encoding="utf-8")

    found = call("templates", "check", "sequence.toml")
    refused = call("enroll", "--sequence", "sequence.toml", *ANYWAY)
    allowed = call(
        "enroll",
        "--sequence",
        "sequence.toml",
        *ANYWAY,
        OUTREACH_TENANT_LINKS_IN_FIRST="true",
    )

    assert found.status == 1
    assert "not allowed in a first message" in found.out
    assert refused.status == 2
    assert "links_in_first" in refused.err
    assert allowed.status == 0, allowed.err


def test_two_tenants_of_one_database_may_use_the_same_names(call: CommandLine) -> None:
    told = []
    for name in ("Nord", "Sud"):
        other = {"OUTREACH_TENANT_NAME": name}
        for command in (
            ("leads", "import", "leads.csv"),
            ("enroll", "--sequence", "sequence.toml", *ANYWAY),
        ):
            done = call(*command, **other)
            assert done.status == 0, done.err
        check = ("templates", "check", "Spring", "--json")
        told.append(call(*check, **other).json())

    assert told[0] == told[1]
    assert "intro" in str(told[0])
