"""Help, and wrong usage or input: one clear line, exit status 2, nothing started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.e2e.command_line import CommandLine, command_line, spawn

from outreach.entrypoints.cli.program import COMMANDS, program


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """In a folder without settings, with a data folder that cannot be made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text("telefon\n0740000100\n", "utf-8")
    (tmp_path / "file").touch()
    with command_line(OUTREACH_DATA_DIR=str(tmp_path / "file" / "data")) as calls:
        yield calls


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    context = click.Context(program)
    for name in program.list_commands(context):
        found.append((name,))
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.list_commands(context)]
    return found


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(
    call: CommandLine, command: tuple[str, ...]
) -> None:
    said = call(*command, "--help")

    example = said.out.partition("Example:\n")[2]
    assert said.status == 0
    assert example.strip().startswith(("outreach", "OUTREACH_"))
    assert f"outreach {' '.join(command)}".strip() in example
    assert max(map(len, said.out.splitlines())) <= 88


@pytest.mark.parametrize("command", every_command()[1:], ids=" ".join)
def test_every_option_says_what_it_is_for(command: tuple[str, ...]) -> None:
    found: click.Command | None = program
    for name in command:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), name)
    assert found is not None

    silent = [
        option.name
        for option in found.params
        if isinstance(option, click.Option) and not option.help
    ]

    assert silent == []


def test_the_list_of_commands_is_complete_and_imports_none_of_them(
    call: CommandLine,
) -> None:
    said = call("--help")

    assert all(f"  {name} " in said.out for name in COMMANDS)


def test_without_a_command_the_help_is_shown_as_wrong_usage(call: CommandLine) -> None:
    said = call()

    assert said.status == 2
    assert "Commands:" in said.err


FROM = ("--speed", "10", "--from")
WRONG = {
    "no such command": (["frob"], "No such command 'frob'"),
    "no such option": (["status", "--frob"], "No such option '--frob'"),
    "missing file": (["leads", "import", "nope.csv"], "'nope.csv' does not exist"),
    "a folder": (["leads", "import", "."], "'.' is a directory"),
    "missing senders": (["phones", "import", "x.toml"], "'x.toml' does not exist"),
    "missing leads": (["run", "--leads", "x.csv"], "'x.csv' does not exist"),
    "missing sequence": (["enroll", "--sequence", "x.toml"], "x.toml is not there"),
    "unknown field": (
        ["leads", "import", "leads.csv", "--map", "fax=#1"],
        "'fax=#1': write FIELD=COLUMN",
    ),
    "no mapping": (["leads", "import", "leads.csv", "--map", "phone"], "FIELD=COLUMN"),
    "two-way mapping": (
        ["leads", "import", "leads.csv", "--map", "phone=email"],
        "can be read both ways",
    ),
    "mapped twice": (
        ["leads", "import", "leads.csv", "--map", "phone=a", "--map", "phone=b"],
        "phone is given twice: 'a' and 'b'",
    ),
    "rejects over the source": (
        ["leads", "import", "leads.csv", "--rejects", "leads.csv"],
        "is the file being read",
    ),
    "no time": (["run", *FROM, "soon"], "'soon' is no ISO 8601 time"),
    "no end": (["run", "--until", "25:00"], "'25:00' is no ISO 8601 time"),
    "speed 0": (["run", "--speed", "0"], "0.0 is no speed"),
    "speed nan": (["run", "--speed", "nan"], "nan is no speed"),
    "speed inf": (["run", "--speed", "inf"], "inf is no speed"),
    "speed in words": (["run", "--speed", "fast"], "'fast' is not a valid float"),
    "start without speed": (["run", "--from", "2026-03-02"], "--from needs --speed"),
    "two ends": (
        ["run", "--until", "2026-03-02", "--exit-when-idle"],
        "exclude each other",
    ),
    "ends before it begins": (
        ["run", *FROM, "2026-03-03", "--until", "2026-03-02"],
        "--until 2026-03-02 is not after --from 2026-03-03",
    ),
    "summary nowhere": (
        ["run", "--json", "no/such/summary.json"],
        "the summary cannot be written to no/such/summary.json",
    ),
    "stop without reason": (["stop"], "Missing option '--reason'"),
    "two scopes": (
        ["stop", "--tenant", "--channel", "PHONE", "--reason", "x"],
        "give one of --tenant, --channel, --sender and --campaign",
    ),
    "no such channel": (["stop", "--channel", "fax", "--reason", "x"], "'fax' is not"),
    "nobody to suppress": (["suppress"], "give an ADDRESS"),
    "reply twice": (
        ["reviews", "edit", "7c2f", "--text", "a", "--file", "leads.csv"],
        "by --text or by --file",
    ),
    "empty reply": (["reviews", "edit", "7c2f", "--text", " "], "the reply is empty"),
    "nobody has seen it": (["reviews", "approve", "7c2f"], "give --fingerprint"),
    "no reason": (
        ["enroll", "--sequence", "x", "--override-capacity", " "],
        "say why, in words",
    ),
    "no settings file": (["--config", "x.toml", "status"], "x.toml is not there"),
    "data folder": (["status"], "cannot be used"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_or_input_is_one_clear_line_and_exit_status_2(
    call: CommandLine, case: str
) -> None:
    args, words = WRONG[case]

    said = call(*args)

    assert said.status == 2
    assert words in said.err
    assert said.err.startswith("outreach: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"OUTREACH_FROB": "1"}, "OUTREACH_FROB is not a setting"),
        ({"OUTREACH_WEB_PORT": "http"}, "web_port must be a whole number, not 'http'"),
        ({"OUTREACH_REDIS_URL": "redis://x"}, "OUTREACH_DATABASE_URL is not"),
        ({"OUTREACH_TENANT_TIME_ZONE": "Mars"}, "'Mars' is no time zone"),
        ({"OUTREACH_TENANT_STOP_RATE": "15"}, "15.0 is no share: give 0 to 1"),
        ({"OUTREACH_TENANT_STOP_RATE": "few"}, "must be a number, not 'few'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(
    call: CommandLine, env: dict[str, str], words: str
) -> None:
    said = call("status", **env)

    assert said.status == 2
    assert words in said.err
    assert said.err.count("\n") == 1


def test_an_unknown_key_of_the_settings_file_is_named(
    call: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "outreach.toml").write_text("[tenant]\nzone = 'UTC'\n", "utf-8")

    said = call("status")

    assert said.status == 2
    assert "unknown key 'tenant.zone'" in said.err


def test_engine_time_is_not_scaled_for_a_provider_elsewhere(tmp_path: Path) -> None:
    process = spawn(
        *("run", "--speed", "10"),
        env={
            "OUTREACH_DATA_DIR": str(tmp_path / "data"),
            "OUTREACH_TIMELINESAI_API_KEY": "key",
            "OUTREACH_TIMELINESAI_BASE_URL": "https://example.com",
        },
    )

    _, err = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "outreach: --speed is for providers on this machine only" in err
    assert "https://example.com" in err


BROKEN = """\
import outreach.entrypoints.cli.given as given
def load(*_, **__):
    raise ZeroDivisionError('one \\x1b[31m by none')
given.load = load
"""


def test_a_defect_is_one_line_that_says_how_to_see_more() -> None:
    process = spawn("status", before=BROKEN, env={})

    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert err == (
        "outreach: a defect: ZeroDivisionError: one \\x1b[31m by none; "
        "outreach --debug ... shows where it happened\n"
    )


def test_a_defect_shows_where_it_happened_if_asked_to() -> None:
    process = spawn("--debug", "status", before=BROKEN, env={})

    _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "Traceback (most recent call last)" in err
    assert "in settings" in err
