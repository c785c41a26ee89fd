"""A database that was copied, as an operator meets it, command by command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.e2e.command_line import CommandLine, command_line
from tests.servers import NewDatabase

FILES = {
    "leads.csv": "denumire;telefon\nAgro Unu SRL;0740000101\n",
    "phones.toml": '[[sender]]\nphone = "+40740000001"\nlabel = "one"\n',
    "sequence.toml": """\
[sequence]
name = "Spring"
[[step]]
channel = "WHATSAPP"
template = "intro"
[[template]]
name = "intro"
content = "{Salut|Bună}, {{company_name}}!"
""",
}
WAY_OUT = "outreach confirm-restore"


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> Iterator[CommandLine]:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    with command_line(
        OUTREACH_DATABASE_URL=fresh_postgres_url,
        OUTREACH_REDIS_URL=empty_redis_url,
        OUTREACH_DATA_DIR=str(tmp_path / "data"),
    ) as calls:
        for command in (
            ("phones", "import", "phones.toml"),
            ("leads", "import", "leads.csv"),
            ("enroll", "--sequence", "sequence.toml"),
        ):
            assert calls(*command).status == 0
        yield calls


@pytest.fixture
def copied(
    call: CommandLine, new_database: NewDatabase, fresh_postgres_url: str
) -> CommandLine:
    """The same installation, pointed to a copy of its database."""
    url = new_database(urlsplit(fresh_postgres_url).path.lstrip("/"))
    return CommandLine({**call.env, "OUTREACH_DATABASE_URL": url})


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_copy_is_held_and_every_command_names_the_way_out(
    copied: CommandLine,
) -> None:
    status, doctor = copied("status"), copied("doctor")
    why = copied("why", "+40740000101")
    resumed = copied("resume", "--reason", "try")

    assert "STOPPED: everything, by engine" in words(status.out)
    assert "the database was restored" in words(status.out)
    for said in (status, doctor, why):
        assert WAY_OUT in words(said.out), said
    assert resumed.status == 1
    assert WAY_OUT in resumed.err
    (switch,) = copied("status", "--json").json()["switches"]
    assert switch["of"] == "restored"


def test_only_a_confirmation_lets_it_go_on(copied: CommandLine) -> None:
    assert "STOPPED" in copied("status").out
    without = copied("confirm-restore")

    done = copied("confirm-restore", "--reason", "a copy for tests", "--by", "ana")
    again = copied("confirm-restore", "--reason", "twice")

    assert without.status == 2
    assert done.status == 0, done.err
    assert "Goes on, by ana: a copy for tests" in words(done.out)
    assert "STOPPED" not in copied("status").out
    assert again.status == 1
    assert "nothing is held" in again.err


def test_what_was_copied_goes_on_beside_its_copy(
    call: CommandLine, copied: CommandLine
) -> None:
    assert "STOPPED" in copied("status").out
    copied("confirm-restore", "--reason", "a copy for tests")
    for _ in range(3):
        copied("status")

    assert "STOPPED" not in call("status").out
    assert "STOPPED" not in copied("status").out


def test_confirming_what_is_not_held_is_refused(call: CommandLine) -> None:
    said = call("confirm-restore", "--reason", "just so")

    assert said.status == 1
    assert "nothing is held" in said.err
