"""What `doctor` says of a WhatsApp gateway's settings, before it is spoken to."""

from __future__ import annotations

from typing import Final

import pytest
from attrs import evolve

from outreach.entrypoints.cli.checks import of_settings
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.settings import GatewayTable, Secret, Settings

TABLE: Final = GatewayTable(api_key=Secret("k"), base_url="http://127.0.0.1:3025")
LONG: Final = Secret("a-secret-of-the-webhooks")


def findings(table: GatewayTable) -> dict[str, Finding]:
    return {one.check: one for one in of_settings(Settings(baileys=table))}


def test_a_gateway_without_an_address_is_a_fault() -> None:
    found = findings(evolve(TABLE, base_url=""))["baileys address"]

    assert found.level is Level.FAIL
    assert found.way_out == "set OUTREACH_BAILEYS_BASE_URL"


@pytest.mark.parametrize(
    ("dialect", "secret", "level", "way_out"),
    [
        ("baileys-api", Secret(""), Level.WARN, "/webhooks/baileys/TOKEN/NUMBER"),
        ("baileys-api", LONG, Level.OK, ""),
        ("waha", Secret(""), Level.WARN, "the gateway is told it"),
        ("waha", Secret("short"), Level.FAIL, "OUTREACH_BAILEYS_WEBHOOK_SECRET"),
        ("waha", LONG, Level.OK, ""),
        ("evolution", Secret(""), Level.OK, ""),
        ("evolution", LONG, Level.OK, ""),
    ],
)
def test_each_dialect_needs_a_secret_of_its_own_kind(
    dialect: str, secret: Secret, level: Level, way_out: str
) -> None:
    table = evolve(TABLE, dialect=dialect, webhook_secret=secret)

    found = findings(table)["baileys webhooks"]

    assert found.level is level
    assert way_out in found.way_out
    assert "short" not in found.says.replace("too short", "")


def test_an_unknown_dialect_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="baileys-api, waha, evolution"):
        evolve(TABLE, dialect="wppconnect")
