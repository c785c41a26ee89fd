"""WhatsApp through a gateway of one's own, in one of three dialects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve

from outreach.adapters import baileys
from outreach.adapters._http import HttpClient
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.entrypoints.provider_settings import GatewayTable
from outreach.entrypoints.providers.provider import USER_AGENT, Provider
from outreach.ports.incoming import Authenticates

__all__ = ["BAILEYS"]

Gateway = baileys.BaileysGateway[Any]


def _open(table: GatewayTable, stack: AsyncExitStack) -> Gateway:
    if not table.base_url:
        message = (
            "a Baileys gateway has no address of a vendor's: set "
            "OUTREACH_BAILEYS_BASE_URL to where yours runs"
        )
        raise Misconfigured(message)
    dialect, make = _DIALECTS[table.dialect]
    client = baileys.open_client(
        dialect,
        table.api_key.reveal,
        base_url=table.base_url,
        user_agent=USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    return make(client, next(iter(table.webhook_secrets), ""))


def _api(client: HttpClient, _secret: str) -> Gateway:
    return baileys.BaileysGateway(client, baileys.BaileysApi())


def _waha(client: HttpClient, secret: str) -> Gateway:
    return baileys.WahaGateway(client, baileys.Waha(), webhook_secret=secret)


def _evolution(client: HttpClient, secret: str) -> Gateway:
    return baileys.EvolutionGateway(client, baileys.Evolution(), webhook_secret=secret)


_DIALECTS: Final[
    Mapping[str, tuple[baileys.Dialect, Callable[[HttpClient, str], Gateway]]]
] = MappingProxyType(
    {
        "baileys-api": (baileys.BaileysApi(), _api),
        "waha": (baileys.Waha(), _waha),
        "evolution": (baileys.Evolution(), _evolution),
    }
)


def _signs(table: GatewayTable) -> Authenticates | None:
    return baileys.signatures(table.webhook_secrets)


def _as_set(table: GatewayTable) -> Provider:
    """How its deliveries are told from a stranger's: WAHA signs, Evolution sends a
    header of ours, baileys-api is told the whole path, with our number at its end.
    """
    if table.dialect == "waha":
        return evolve(BAILEYS, signs=_signs)
    if table.dialect == "evolution":
        return evolve(BAILEYS, by_header=True)
    return evolve(BAILEYS, by_number=True)


BAILEYS: Final = Provider(
    name="baileys",
    channels=frozenset({Channel.WHATSAPP}),
    open=_open,
    reader=baileys.BaileysReader,
    hosted=False,
    makes_secret=False,
    as_set=_as_set,
)
