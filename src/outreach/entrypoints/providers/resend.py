"""Warm mail through Resend."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from outreach.adapters import resend
from outreach.domain.channel import Channel
from outreach.entrypoints.provider_settings import ProviderTable
from outreach.entrypoints.providers.provider import USER_AGENT, Provider

__all__ = ["RESEND"]


def _open(table: ProviderTable, stack: AsyncExitStack) -> resend.ResendGateway:
    client = resend.open_client(
        table.api_key.reveal,
        base_url=table.base_url or resend.BASE_URL,
        user_agent=USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    return resend.ResendGateway(client, table.webhook_secrets)


def _signs(table: ProviderTable) -> resend.SvixSignatures | None:
    return resend.signatures(table.webhook_secrets)


RESEND: Final = Provider(
    name="resend",
    channels=frozenset({Channel.EMAIL_WARM}),
    open=_open,
    reader=resend.ResendReader,
    signs=_signs,
    paces=True,
)
