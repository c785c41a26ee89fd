"""Warm mail through Amazon SES."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from outreach.adapters import ses
from outreach.domain.channel import Channel
from outreach.entrypoints.provider_settings import SesTable
from outreach.entrypoints.providers.provider import USER_AGENT, Provider

__all__ = ["SES"]


def _open(table: SesTable, stack: AsyncExitStack) -> ses.SesGateway:
    credentials = ses.Credentials(
        table.access_key_id.reveal,
        table.secret_access_key.reveal,
        table.region,
        table.session_token.reveal,
    )
    account = ses.open_account(
        credentials,
        configuration_set=table.configuration_set,
        base_url=table.base_url,
        user_agent=USER_AGENT,
    )
    stack.push_async_callback(account.client.aclose)
    return ses.SesGateway(account)


def _signs(table: SesTable) -> ses.SnsSignatures | None:
    return ses.signatures(
        table.topics, user_agent=USER_AGENT, stand_in=table.topics_url
    )


SES: Final = Provider(
    name="ses",
    channels=frozenset({Channel.EMAIL_WARM}),
    open=_open,
    reader=ses.SesReader,
    signs=_signs,
    vouched_by="topic_arns",
    paces=True,
)
