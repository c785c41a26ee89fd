"""What each provider is filed under: what it can do, and nothing else."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import pytest
from attrs import fields

from outreach.domain.allowance import Allowance
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import AccountId
from outreach.entrypoints.gateways import Gateways
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.provider_settings import (
    ProviderTable,
    SesTable,
    WorkspaceTable,
)
from outreach.entrypoints.providers import PROVIDERS
from outreach.entrypoints.settings import Secret, Settings, SmtpTable

ACCOUNT: Final = AccountId(UUID(int=1))
CAN: Final = {
    "timelinesai": {"look", "poll", "lists", "webhooks"},
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
}
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
}


def test_every_provider_is_named_here_and_has_a_settings_table() -> None:
    settings = Settings()

    assert CAN.keys() == TABLES.keys() == PROVIDERS.keys()
    assert not any(getattr(settings, name).is_set for name in PROVIDERS)
    assert all(table.is_set for table in TABLES.values())


@pytest.mark.anyio
@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_gateway_is_filed_under_what_it_can_do(name: str) -> None:
    files = Gateways()
    async with AsyncExitStack() as stack:
        gateway = PROVIDERS[name].open(TABLES[name], stack)
        files.add(ACCOUNT, name, gateway, Allowance(), Metrics())

    found = {field for field in fields(Gateways) if getattr(files, field.name)}
    names = {field.name for field in found} - {"send", "allowances"}
    assert names == CAN[name]
    assert files.send.keys() == files.allowances.keys() == {ACCOUNT}


@pytest.mark.parametrize("missing", ["aiosmtplib", "dkim", "dns"])
def test_without_its_packages_the_pool_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(Misconfigured, match=r"outreach\[smtp\]"):
        PROVIDERS["smtp"].open(TABLES["smtp"], AsyncExitStack())
