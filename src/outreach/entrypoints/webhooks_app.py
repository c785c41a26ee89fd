"""The web app of one engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.applications import Starlette

from outreach.adapters.postgres import migrate
from outreach.entrypoints.engine import BY_HEADER, Engine
from outreach.entrypoints.gauges import Gauges
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import WebhookRoute, WebParts, create_app
from outreach.ports.decisions import Summary

__all__ = ["web_app"]

_ACCOUNT = "default"


def web_app(engine: Engine, tokens: Mapping[str, tuple[Secret, ...]]) -> Starlette:
    """Webhooks, health and metrics over an open engine, mountable under a prefix."""
    parts = engine.container
    readers = parts.readers()

    async def database() -> None:
        await parts.database().value("SELECT 1")

    async def redis() -> None:
        await parts.guard().store_id()

    async def migrations() -> None:
        url = parts.database_url()
        schema = engine.settings.database_schema
        await asyncio.to_thread(migrate.check, url, schema=schema)

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
                    tokens=() if provider in BY_HEADER else secrets,
                    header_secrets=secrets if provider in BY_HEADER else (),
                )
                for provider, secrets in tokens.items()
            ],
            probes={"database": database, "redis": redis, "migrations": migrations},
            metrics=engine.metrics,
            gauges=Gauges(engine.metrics, figures, parts.lanes().next_wake),
        )
    )
