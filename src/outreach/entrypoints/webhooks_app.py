"""The web app of one engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.applications import Starlette

from outreach.adapters.postgres import migrate
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.gauges import Gauges
from outreach.entrypoints.providers import as_set
from outreach.entrypoints.settings import Secret, Settings
from outreach.entrypoints.web.app import (
    LinkParts,
    Probe,
    WebhookRoute,
    WebParts,
    create_app,
)
from outreach.ports.decisions import Summary
from outreach.ports.incoming import Authenticates

__all__ = ["web_app"]

_ACCOUNT = "default"


def web_app(
    engine: Engine,
    tokens: Mapping[str, tuple[Secret, ...]],
    *,
    probes: Mapping[str, Probe] | None = None,
) -> Starlette:
    """Webhooks, pages, health and metrics over an open engine; may be mounted.

    Without keys that sign links there are no pages: a link that could not be read would
    be answered as if it had been heard.

    Args:
        probes: what must be well for this to be ready, the store first; None: the
            servers and their migrations.

    Raises:
        Misconfigured: a signing secret is none.
    """
    parts = engine.container
    known = as_set(engine.settings)
    readers = parts.readers()
    if probes is None:
        probes = _servers(engine)

    async def figures() -> Summary:
        found: Summary = await parts.decisions().summary(engine.tenant)
        return found

    return create_app(
        WebParts(
            inbox=parts.inbox(),
            bell=engine.bell,
            routes=[
                WebhookRoute(
                    provider=provider,
                    account=_ACCOUNT,
                    reader=readers[provider],
                    tokens=() if known[provider].by_header else secrets,
                    header_secrets=secrets if known[provider].by_header else (),
                    by_number=known[provider].by_number,
                )
                for provider, secrets in tokens.items()
            ]
            + [
                WebhookRoute(provider, _ACCOUNT, readers[provider], signed=signed)
                for provider, signed in _signed(engine.settings).items()
            ],
            probes=probes,
            metrics=engine.metrics,
            gauges=Gauges(engine.metrics, figures, parts.lanes().next_wake),
        ),
        pages=LinkParts(
            links=parts.links(),
            consents=parts.consents(),
            nothing=next(iter(probes.values())),
            language=engine.settings.tenant.language,
        )
        if parts.link_keys()
        else None,
    )


def _servers(engine: Engine) -> Mapping[str, Probe]:
    parts = engine.container

    async def database() -> None:
        await parts.database().value("SELECT 1")

    async def redis() -> None:
        await parts.guard().store_id()

    async def migrations() -> None:
        url = parts.database_url()
        schema = engine.settings.database_schema
        await asyncio.to_thread(migrate.check, url, schema=schema)

    return {"database": database, "redis": redis, "migrations": migrations}


def _signed(settings: Settings) -> Mapping[str, Authenticates]:
    """What checks each provider that signs; one without a secret has no route."""
    found = {
        name: provider.signs(settings.table(name))
        for name, provider in as_set(settings).items()
        if provider.signs
    }
    return {name: checks for name, checks in found.items() if checks is not None}
