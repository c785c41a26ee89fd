"""Settings of the model and of alerts: read, refused, and never printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.command_line import command_line

from outreach.domain.errors import Misconfigured
from outreach.domain.incident import SEVERITY_OF
from outreach.entrypoints.cli.finding import Level
from outreach.entrypoints.cli.talk_checks import of_alerts, of_model
from outreach.entrypoints.settings import Settings, load

CANARY = "canary-1234"
URL = f"json://127.0.0.1:9/{CANARY}"


def read(tmp_path: Path, text: str, **env: str) -> Settings:
    file = tmp_path / "outreach.toml"
    file.write_text(text, "utf-8")
    return load(env, config=file)


def test_the_file_names_model_and_urls(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        f"""
        [openai]
        api_key = "{CANARY}"
        model = "m-1"
        timeout = 3
        calls_per_day = 9
        answers = "templates"
        [alerts]
        urls = ["{URL}", "json://127.0.0.1:9/b"]
        """,
    )

    assert settings.openai.on
    assert (settings.openai.timeout, settings.openai.calls_per_day) == (3.0, 9)
    assert settings.openai.calls_per_minute == 60
    assert [one.reveal for one in settings.alerts.urls] == [URL, "json://127.0.0.1:9/b"]
    assert CANARY not in repr(settings)


def test_the_environment_names_them_too(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "",
        OUTREACH_OPENAI_API_KEY=CANARY,
        OUTREACH_OPENAI_MODEL="m-1",
        OUTREACH_ALERTS_URLS=f"{URL} json://127.0.0.1:9/b",
    )

    assert settings.openai.on
    assert len(settings.alerts.urls) == 2


def test_without_them_there_is_no_model_and_nobody_is_told(tmp_path: Path) -> None:
    settings = read(tmp_path, "")

    assert not settings.openai.on
    assert settings.openai.answers == "person"
    (model,), (alerts,) = of_model(settings), of_alerts(settings)
    assert (model.level, alerts.level) == (Level.OK, Level.WARN)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'[openai]\napi_key = "{CANARY}"', "openai.model is not"),
        ('[openai]\nmodel = "m"', "openai.api_key is not"),
        ("[openai]\ntimeout = 0", "timeout 0"),
        ("[openai]\ntimeout = 21", "up to 20"),
        ("[openai]\ncalls_per_minute = -1", "0 or more"),
        ('[openai]\nanswers = "free"', "person or templates"),
        ('[openai]\nbase_url = "ftp://x"', "https://"),
        (f'[openai]\nkey = "{CANARY}"', "unknown key 'openai.key'"),
        ("[alerts]\nurls = [1]", "a list of texts"),
        ("[alerts]\nurls = 1", "a list of texts"),
    ],
)
def test_what_cannot_be_is_refused_without_its_secret(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(tmp_path, text)

    assert says in str(refused.value)
    assert CANARY not in str(refused.value)


def test_doctor_says_whom_it_tells_and_what_reads_without_a_secret(
    tmp_path: Path,
) -> None:
    settings = read(
        tmp_path,
        f'[openai]\napi_key = "{CANARY}"\nmodel = "m-1"\n[alerts]\nurls = ["{URL}"]',
    )

    found = [*of_model(settings), *of_alerts(settings)]

    assert [one.level for one in found] == [Level.OK, Level.OK, Level.OK][: len(found)]
    assert "m-1" in found[0].says
    assert "1 addresses" in found[-1].says
    assert CANARY not in repr(found)


def test_doctor_fails_what_would_not_work(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        f'[openai]\napi_key = "{CANARY}"\nmodel = "m-1"\n'
        f'base_url = "http://far.example"\n[alerts]\nurls = ["nonsense://{CANARY}"]',
    )

    found = [*of_model(settings), *of_alerts(settings)]

    assert [one.level for one in found if one.level is Level.FAIL] == [Level.FAIL] * 2
    assert CANARY not in repr(found)


def test_the_command_lists_every_kind_of_alert() -> None:
    with command_line() as call:
        said = call("alerts", "--json").json()

    assert said == {kind: str(severity) for kind, severity in SEVERITY_OF.items()}


def test_a_test_message_needs_an_address_and_says_whether_it_arrived() -> None:
    with command_line() as call:
        nobody = call("alerts", "--test")
        away = call("alerts", "--test", OUTREACH_ALERTS_URLS=URL)

    assert nobody.status == 2
    assert "alerts.urls is empty" in nobody.err
    assert away.status == 1
    assert "not every service" in away.out
    assert CANARY not in away.out + away.err
