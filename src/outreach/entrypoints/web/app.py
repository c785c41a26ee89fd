"""The web app: serve it, or mount it in an application of your own.

``Mount("/outreach", create_app(parts))`` works under any prefix. A mounted app gets
no lifespan events from Starlette: open what `WebParts` names in your own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.applications import Starlette
from starlette.types import StatelessLifespan

from outreach.entrypoints.web.errors import on_problem, stack
from outreach.entrypoints.web.health import Health
from outreach.entrypoints.web.links import LinkParts, LinkRoutes
from outreach.entrypoints.web.parts import Limits, Probe, WebhookRoute, WebParts
from outreach.entrypoints.web.webhooks import WEBHOOK_HEADER, Webhooks

__all__ = [
    "WEBHOOK_HEADER",
    "Limits",
    "LinkParts",
    "Probe",
    "WebParts",
    "WebhookRoute",
    "create_app",
]


def create_app(
    parts: WebParts,
    *,
    pages: LinkParts | None = None,
    lifespan: StatelessLifespan[Starlette] | None = None,
) -> Starlette:
    """Build the app; nothing is opened.

    Args:
        pages: what stands behind the links in what we send; None: there are none.
        lifespan: opens and closes what *parts* names, where the app is served itself.

    Raises:
        Misconfigured: two accounts of one provider share a webhook secret.
    """
    webhooks = Webhooks(parts)
    routes = [*webhooks.routes(), *Health(parts).routes()]
    if pages is not None:
        routes += LinkRoutes(parts, pages, webhooks.ringer).routes()

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app) if lifespan else nullcontext():
            yield
            await webhooks.ringer.settled()

    app = Starlette(
        routes=routes,
        middleware=stack(parts.now),
        exception_handlers=on_problem(parts.now),
        lifespan=life,
    )
    # A redirect would send a body, or a token, somewhere else.
    app.router.redirect_slashes = False
    return app
