"""WhatsApp through Wamm (experimental)."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from outreach.adapters import wamm
from outreach.domain.channel import Channel
from outreach.entrypoints.provider_settings import ProviderTable
from outreach.entrypoints.providers.provider import USER_AGENT, Provider

__all__ = ["WAMM"]


def _open(table: ProviderTable, stack: AsyncExitStack) -> wamm.WammGateway:
    client = wamm.open_client(
        base_url=table.base_url or wamm.BASE_URL, user_agent=USER_AGENT
    )
    stack.push_async_callback(client.aclose)
    return wamm.WammGateway(client, table.api_key.reveal)


WAMM: Final = Provider(
    name="wamm",
    channels=frozenset({Channel.WHATSAPP}),
    open=_open,
    reader=wamm.WammReader,
    by_number=True,
    by_ref=True,
)
