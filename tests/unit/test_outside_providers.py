"""Providers that other packages bring: found, named, set, or told what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.engine import check_outside
from outreach.entrypoints.provider_settings import ProviderTable
from outreach.entrypoints.providers import PROVIDERS, known
from outreach.entrypoints.providers.known import Known
from outreach.entrypoints.settings import Secret, load

CODE: Final = """
from attrs import evolve
from pigeon_post import PIGEON
WRONG = "no provider"
TAKEN = evolve(PIGEON, name="resend")
RESERVED = evolve(PIGEON, name="tenant")
LOUD = evolve(PIGEON, name="Pigeon Post")
"""

Installs = Callable[[str], Known]


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installs]:
    """A package whose entry point is this; the providers as a new process has them."""

    def install(target: str) -> Known:
        folder = tmp_path / "dovecote-1.0.dist-info"
        folder.mkdir()
        (tmp_path / "dovecote.py").write_text(CODE)
        (folder / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: dovecote\nVersion: 1.0\n"
        )
        (folder / "entry_points.txt").write_text(
            f"[outreach.providers]\npigeon = {target}\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        return Known([PROVIDERS[name] for name in PROVIDERS.built_in])

    yield install
    sys.modules.pop("dovecote", None)


def test_a_provider_of_another_package_is_known_by_its_name(installs: Installs) -> None:
    found = installs("dovecote:PIGEON")

    assert set(found) == {*PROVIDERS.built_in, "pigeon"}
    assert found["pigeon"].name == "pigeon"
    assert "pigeon" not in found.built_in


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("dovecote:EAGLE", "cannot be loaded"),
        ("nowhere:PIGEON", "cannot be loaded"),
        ("dovecote:WRONG", "is str: it must be"),
        ("dovecote:TAKEN", "'resend', which is taken"),
        ("dovecote:RESERVED", "'tenant', which is taken"),
        ("dovecote:LOUD", "'Pigeon Post': give lower-case letters"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_its_package(
    installs: Installs, target: str, says: str
) -> None:
    with pytest.raises(Misconfigured, match=says) as caught:
        installs(target)["pigeon"]

    assert f"{target!r} of dovecote" in str(caught.value)


def test_its_account_is_a_table_and_the_environment_goes_over_it(
    tmp_path: Path,
) -> None:
    config = tmp_path / "outreach.toml"
    config.write_text('[providers.pigeon]\napi_key = "a"\nrate = 2.5\n')

    alone = load({}, config=config).table("pigeon")
    over = load(
        {
            "OUTREACH_PROVIDERS_PIGEON_API_KEY": "crumbs",
            "OUTREACH_PROVIDERS_PIGEON_PER_DAY": "7",
            "OUTREACH_PROVIDERS_EAGLE_WEBHOOK_SECRET": "s",
        },
        config=config,
    )

    assert alone == ProviderTable(api_key=Secret("a"), rate=2.5)
    table = over.table("pigeon")
    assert (table.api_key.reveal, table.rate, table.per_day) == ("crumbs", 2.5, 7)
    assert over.table("eagle").webhook_secrets == ("s",)
    assert not over.table("crow").is_set
    assert over.table("resend") is over.resend
    assert "crumbs" not in repr(over)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("providers = 7", r"providers must be a table: \[providers\]"),
        ("[providers]\npigeon = 7", r"providers.pigeon must be a table"),
        ("[providers.pigeon]\nloft = 7", r"unknown key 'providers.pigeon.loft'"),
        ('[providers.pigeon]\nrate = "x"', r"providers.pigeon.rate must be a number"),
        ("[providers.pigeon]\nrate = -1", r"-1.0 is no rate"),
    ],
)
def test_a_table_that_is_wrong_is_told(tmp_path: Path, toml: str, says: str) -> None:
    config = tmp_path / "outreach.toml"
    config.write_text(toml)

    with pytest.raises(Misconfigured, match=says):
        load({}, config=config)


@pytest.mark.parametrize("name", ["OUTREACH_PROVIDERS", "OUTREACH_PROVIDERS_API_KEY"])
def test_a_variable_that_names_no_provider_is_no_setting(name: str) -> None:
    with pytest.raises(Misconfigured, match="is not a setting"):
        load({name: "crumbs"})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("crow", r"no installed package brings a provider 'crow' \(there are: none\)"),
        ("resend", r"resend is built in: write \[resend\]"),
    ],
)
def test_a_table_of_nobody_stops_the_start(name: str, says: str) -> None:
    settings = load({f"OUTREACH_PROVIDERS_{name.upper()}_API_KEY": "crumbs"})

    with pytest.raises(Misconfigured, match=says):
        check_outside(settings)


def test_the_group_is_the_one_of_the_pages() -> None:
    assert known.GROUP == "outreach.providers"
