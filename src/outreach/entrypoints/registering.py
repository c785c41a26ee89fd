"""Tells every provider that can be told where our webhooks are."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from outreach.domain.ids import account_id
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.providers import as_set
from outreach.entrypoints.settings import Secret

__all__ = ["register_webhooks"]


async def register_webhooks(
    engine: Engine, public: str, tokens: Mapping[str, tuple[Secret, ...]]
) -> None:
    """Register an address below *public* with each; again changes nothing.

    One that signs is told only if its secret is set: without, nothing it sends could be
    believed.

    Args:
        tokens: by provider, newest first.

    Raises:
        Unavailable: a provider could not be asked.
        Misconfigured: it refused the address or our credentials.
    """
    for name, provider in as_set(engine.settings).items():
        account = account_id(engine.tenant, name, "default")
        gateway = engine.gateways.webhooks.get(account)
        if gateway is None:
            continue
        url = f"{public.rstrip('/')}/webhooks/{name}"
        if provider.signs:
            if engine.settings.table(name).webhook_secret:
                await gateway.register(url)
            continue
        secret = next(iter(tokens[name])).reveal
        if provider.by_header:
            await gateway.told_apart_by(secret).register(url)
        else:
            await gateway.register(f"{url}/{quote(secret, safe='')}")
