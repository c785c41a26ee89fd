"""Cold mail through Instantly."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from outreach.adapters import instantly
from outreach.domain.channel import Channel
from outreach.entrypoints.provider_settings import WorkspaceTable
from outreach.entrypoints.providers.provider import USER_AGENT, Provider

__all__ = ["INSTANTLY"]


def _open(table: WorkspaceTable, stack: AsyncExitStack) -> instantly.InstantlyGateway:
    client = instantly.open_client(
        table.api_key.reveal,
        base_url=table.base_url or instantly.BASE_URL,
        workspace=table.workspace,
        user_agent=USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    return instantly.InstantlyGateway(client)


INSTANTLY: Final = Provider(
    name="instantly",
    channels=frozenset({Channel.EMAIL_COLD}),
    open=_open,
    reader=instantly.InstantlyReader,
    by_header=True,
    paces=True,
    picks_mailbox=True,
    answers=True,
)
