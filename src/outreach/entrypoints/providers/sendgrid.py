"""Warm mail through SendGrid."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from outreach.adapters import sendgrid
from outreach.domain.channel import Channel
from outreach.entrypoints.provider_settings import ProviderTable
from outreach.entrypoints.providers.provider import USER_AGENT, Provider
from outreach.ports.incoming import Authenticates

__all__ = ["SENDGRID"]


def _open(table: ProviderTable, stack: AsyncExitStack) -> sendgrid.SendGridGateway:
    client = sendgrid.open_client(
        table.api_key.reveal,
        base_url=table.base_url or sendgrid.BASE_URL,
        user_agent=USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    return sendgrid.SendGridGateway(client, table.webhook_secrets)


def _signs(table: ProviderTable) -> Authenticates | None:
    return sendgrid.signatures(table.webhook_secrets)


SENDGRID: Final = Provider(
    name="sendgrid",
    channels=frozenset({Channel.EMAIL_WARM}),
    open=_open,
    reader=sendgrid.SendGridReader,
    signs=_signs,
    paces=True,
)
