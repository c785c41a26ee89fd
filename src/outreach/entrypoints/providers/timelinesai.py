"""WhatsApp through TimelinesAI."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from outreach.adapters import timelinesai
from outreach.domain.channel import Channel
from outreach.entrypoints.provider_settings import ProviderTable
from outreach.entrypoints.providers.provider import USER_AGENT, Provider

__all__ = ["TIMELINESAI"]


def _open(table: ProviderTable, stack: AsyncExitStack) -> timelinesai.TimelinesGateway:
    client = timelinesai.open_client(
        table.api_key.reveal,
        base_url=table.base_url or timelinesai.BASE_URL,
        user_agent=USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    return timelinesai.TimelinesGateway(client)


TIMELINESAI: Final = Provider(
    name="timelinesai",
    channels=frozenset({Channel.WHATSAPP}),
    open=_open,
    reader=timelinesai.TimelinesReader,
)
