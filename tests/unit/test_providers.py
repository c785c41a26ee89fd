"""What each provider is filed under: what it can do, and nothing else."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import pytest
from attrs import evolve, fields

from outreach.domain.allowance import Allowance
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import AccountId
from outreach.entrypoints.gateways import Gateways, Unasked
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.provider_settings import (
    DIALECTS,
    GatewayTable,
    ProviderTable,
    SesTable,
    WorkspaceTable,
)
from outreach.entrypoints.providers import PROVIDERS, as_set
from outreach.entrypoints.settings import Secret, Settings, SmtpTable
from outreach.ports.history import TellsHistory

ACCOUNT: Final = AccountId(UUID(int=1))
CAN: Final = {
    "timelinesai": {"look", "poll", "lists", "webhooks", "tells", "replays"},
    "resend": {
        *("look", "poll", "takers", "repeats", "fetch", "domains", "webhooks"),
    },
    "wamm": set(),
    "sendgrid": {"takers", "domains", "webhooks"},
    "instantly": {
        *("bulk", "look", "look_many", "repeats", "takers", "hosts", "webhooks"),
        "replays",
    },
    "ses": {"takers", "domains", "tells"},
    "smtp": {"domains"},
    "baileys": {"acknowledges"},
}
HISTORIES: Final = frozenset({"timelinesai"})
"""Who tells a conversation again instead of what was lost; filed under "replays"."""
DIALECT_CAN: Final = {
    "baileys-api": {"acknowledges"},
    "waha": {"acknowledges", "look", "lists", "webhooks", "repeats"},
    "evolution": {"acknowledges", "look", "lists", "webhooks", "poll"},
}
HERE: Final = "http://127.0.0.1:3025"
GATEWAY: Final = GatewayTable(api_key=Secret("k"), base_url=HERE)
TABLES: Final[dict[str, Any]] = {
    "timelinesai": ProviderTable(api_key=Secret("k")),
    "resend": ProviderTable(api_key=Secret("k")),
    "wamm": ProviderTable(api_key=Secret("k")),
    "sendgrid": ProviderTable(api_key=Secret("k")),
    "instantly": WorkspaceTable(api_key=Secret("k")),
    "ses": SesTable(
        access_key_id=Secret("k"), secret_access_key=Secret("s"), region="eu-west-1"
    ),
    "smtp": SmtpTable(host="mail.example"),
    "baileys": GATEWAY,
}


def test_every_provider_is_named_here_and_has_a_settings_table() -> None:
    settings = Settings()

    assert CAN.keys() == TABLES.keys() == PROVIDERS.keys()
    assert not any(getattr(settings, name).is_set for name in PROVIDERS)
    assert all(table.is_set for table in TABLES.values())


@pytest.mark.anyio
@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_gateway_is_filed_under_what_it_can_do(name: str) -> None:
    files = await filed(name, TABLES[name])

    assert abilities(files) == CAN[name]
    assert files.send.keys() == files.allowances.keys() == {ACCOUNT}


@pytest.mark.anyio
@pytest.mark.parametrize("name", PROVIDERS)
async def test_who_tells_a_conversation_again_is_who_can(name: str) -> None:
    async with AsyncExitStack() as stack:
        gateway = PROVIDERS[name].open(TABLES[name], stack)

        assert isinstance(gateway, TellsHistory) is (name in HISTORIES)


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_dialect_is_filed_under_what_its_program_can_do(dialect: str) -> None:
    table = evolve(GATEWAY, dialect=dialect)

    assert abilities(await filed("baileys", table)) == DIALECT_CAN[dialect]


@pytest.mark.anyio
async def test_whom_nobody_can_ask_is_whoever_is_open_here_and_lists_nothing() -> None:
    found = {}
    for name, table in TABLES.items():
        found[name] = ACCOUNT in Unasked(await filed(name, table))

    assert found == {
        "timelinesai": False,
        "resend": False,
        "ses": False,
        "sendgrid": False,
        "smtp": False,
        "instantly": True,
        "wamm": True,
        "baileys": True,
    }
    waha = evolve(GATEWAY, dialect="waha")
    assert ACCOUNT not in Unasked(await filed("baileys", waha))
    assert ACCOUNT not in Unasked(Gateways())


@pytest.mark.anyio
async def test_a_gateway_that_an_operator_runs_must_be_told_where() -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(Misconfigured, match="OUTREACH_BAILEYS_BASE_URL"):
            PROVIDERS["baileys"].open(GatewayTable(api_key=Secret("k")), stack)


@pytest.mark.parametrize(
    ("dialect", "signs", "by_header", "by_number"),
    [
        ("baileys-api", False, False, True),
        ("waha", True, False, False),
        ("evolution", False, True, False),
    ],
)
def test_how_deliveries_are_told_from_a_strangers_is_the_dialects_matter(
    dialect: str, *, signs: bool, by_header: bool, by_number: bool
) -> None:
    table = evolve(GATEWAY, dialect=dialect)

    found = as_set(Settings(baileys=table))

    one = found["baileys"]
    assert (one.signs is not None, one.by_header, one.by_number) == (
        signs,
        by_header,
        by_number,
    )
    assert found.keys() == PROVIDERS.keys()


async def filed(name: str, table: ProviderTable) -> Gateways:
    files = Gateways()
    async with AsyncExitStack() as stack:
        gateway = PROVIDERS[name].open(table, stack)
        files.add(ACCOUNT, name, gateway, Allowance(), Metrics())
    return files


def abilities(files: Gateways) -> set[str]:
    found = {field.name for field in fields(Gateways) if getattr(files, field.name)}
    return found - {"send", "allowances"}


@pytest.mark.parametrize("missing", ["aiosmtplib", "dkim", "dns"])
def test_without_its_packages_the_pool_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(Misconfigured, match=r"outreach\[smtp\]"):
        PROVIDERS["smtp"].open(TABLES["smtp"], AsyncExitStack())
