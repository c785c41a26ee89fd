"""Whom the engine talks to beside providers: a model, and people."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from outreach.adapters.apprise import AppriseOutbox, open_sender
from outreach.adapters.apprise.outbox import Notify
from outreach.adapters.openai import (
    Model,
    ModelAnalyst,
    ModelDrafter,
    ModelIntroducer,
    open_client,
)
from outreach.adapters.postgres.incidents import PostgresModelBudget
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import TenantId
from outreach.entrypoints.container import Container
from outreach.entrypoints.metrics import Metrics, ModelOutcome
from outreach.entrypoints.settings import Settings

__all__ = ["open_notify", "tell_people", "use_model"]

_BATCH_S: Final = 50.0
"""Seconds in which a batch of replies is read, whatever the model does."""
_NONCE_BYTES: Final = 12
_LAST_WORD_S: Final = 5.0
"""Seconds for what is still to be told when the engine closes."""


def open_notify(settings: Settings) -> Notify | None:
    """How people are told; None: no alerts.urls.

    Raises:
        Misconfigured: a URL, or the package, is not there.
    """
    urls = [one.reveal for one in settings.alerts.urls]
    return open_sender(urls) if urls else None


async def tell_people(
    settings: Settings, container: Container, stack: AsyncExitStack
) -> None:
    """Have alerts delivered while the engine is open, if anybody is to be told."""
    notify = open_notify(settings)
    if notify is None:
        return
    outbox = AppriseOutbox(notify, container.incidents())
    container.outbox.override(outbox)
    await stack.enter_async_context(_emptied(outbox))


@asynccontextmanager
async def _emptied(outbox: AppriseOutbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(outbox.deliver(), _LAST_WORD_S)


def use_model(
    settings: Settings,
    container: Container,
    tenant: TenantId,
    metrics: Metrics,
    stack: AsyncExitStack,
    *,
    user_agent: str,
) -> None:
    """Have the default tenant's replies read by its model, if it has one.

    Raises:
        Misconfigured: the extra ``model`` is not installed.
    """
    wanted = settings.openai
    if not wanted.on:
        return
    client = _client(settings, user_agent)
    stack.push_async_callback(client.close)

    def model_() -> Model:
        return Model(
            client,
            wanted.model,
            timeout_s=wanted.timeout,
            monotonic=time.monotonic,
            counted=lambda doubt: metrics.model_calls.add(ModelOutcome.of(doubt)),
        )

    model = model_()
    per_minute, per_day = wanted.calls_per_minute, wanted.calls_per_day
    budget = PostgresModelBudget(container.database(), per_minute, per_day)
    analyst = ModelAnalyst(container.rules(), model, budget, tenant, _nonce)
    container.analyst.override(analyst)
    container.drafter.override(ModelDrafter(model, budget, tenant, _nonce))
    # Intros can wait: they leave half of the calls to replies, and what goes wrong with
    # them does not keep the model from replies.
    ahead = PostgresModelBudget(
        container.database(), (per_minute + 1) // 2, (per_day + 1) // 2
    )
    introducer = ModelIntroducer(model_(), ahead, tenant, _nonce)
    container.intro_writer.override(introducer)
    # A reply may wait for two calls, and a batch is leased for a minute.
    container.batch.override(max(1, int(_BATCH_S // (2 * wanted.timeout))))
    if wanted.answers == "templates":
        container.unattended.override((tenant,))


def _client(settings: Settings, user_agent: str) -> Any:
    wanted = settings.openai
    try:
        return open_client(
            wanted.api_key.reveal,
            base_url=wanted.base_url,
            user_agent=user_agent,
            timeout_s=wanted.timeout,
        )
    except ModuleNotFoundError as error:
        message = (
            "openai is set, but its package is not installed: "
            "pip install 'outreach[model]'"
        )
        raise Misconfigured(message) from error


def _nonce() -> str:
    return secrets.token_hex(_NONCE_BYTES)
