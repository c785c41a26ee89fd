"""The test's own driver of a worker: the real engine and runner, with crash points.

What differs from ``outreach worker``: all durations are scaled, every port is watched,
gaps are drawn from a seed, and a mutant may have been planted.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from tests.faults.chaos import mutants
from tests.faults.chaos.points import GATEWAY_VERBS, WORKER_VERBS, Points, Watched
from tests.faults.chaos.scale import Scale

from outreach.adapters.arq import listen
from outreach.entrypoints.engine import (
    Engine,
    Urls,
    check_redis,
    incarnation,
    open_engine,
)
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.settings import (
    ProviderTable,
    Secret,
    Settings,
    TenantSettings,
    WorkspaceTable,
)
from outreach.entrypoints.worker import fenced

__all__ = ["main", "scale_engine", "settings_of"]

_FAILED: Final = 1
_AT_ONCE: Final = (1, 1, 2, 4)
"""Calls of one worker under way, drawn: so many lanes wait for a lease when it is
killed."""
_TOGETHER: Final = (10, 30, 40)
"""Messages of one call: a hundred are armed within the call budget, but not within one
that is so many times shorter."""


def main(options: Mapping[str, Any]) -> None:
    """Live as a worker until SIGTERM, or until the parent is gone."""
    set_up_logs()
    asyncio.run(_work(options))


def settings_of(options: Mapping[str, Any]) -> Settings:
    """Settings as a process of the stage has them."""
    return Settings(
        data_dir=options["data_dir"],
        database_url=Secret(options["database_url"]),
        redis_url=Secret(options["redis_url"]),
        web_port=options.get("web_port", 0),
        tenant=TenantSettings(name="default"),
        secret_keys=Secret(options.get("link_key", "")),
        timelinesai=ProviderTable(
            api_key=Secret(options.get("api_key", "")),
            base_url=options.get("base_url", ""),
            webhook_secret=Secret(options.get("webhook_secret", "")),
        ),
        **_mail_settings(options),
    )


def _mail_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    if "resend_url" not in options:
        return {}
    key = Secret(options.get("api_key", ""))
    return {
        "instantly": WorkspaceTable(
            api_key=key,
            base_url=options["instantly_url"],
            webhook_secret=Secret(options.get("webhook_secret", "")),
        ),
        "resend": ProviderTable(
            api_key=key,
            base_url=options["resend_url"],
            webhook_secret=Secret(options["resend_secret"]),
        ),
    }


def scale_engine(engine: Engine, scale: Scale) -> None:
    """Have everything the engine makes from now on use the scaled durations."""
    engine.container.timing.override(scale.timing)
    engine.container.guard()._young = scale.young


async def _work(options: Mapping[str, Any]) -> None:
    settings = settings_of(options)
    urls = Urls(options["database_url"], options["redis_url"])
    rng = Random(options["seed"])
    scale = Scale(options["times"], datetime.now(UTC), datetime.now(UTC))
    async with open_engine(settings, urls, reach_providers=True) as engine:
        scale_engine(engine, scale)
        await check_redis(engine)
        parts = engine.container
        parts.rng.override(rng)
        points = Points.of(options["env"], rng)
        _watch(engine, points)
        changed = mutants.plant_in_worker(options["mutants"], engine)
        await engine.put_periodic_duties()
        runner = engine.runner(incarnation("worker"))
        runner.rooms.update(dict.fromkeys(engine.gateways.send, rng.choice(_AT_ONCE)))
        runner.many = dict.fromkeys(engine.gateways.bulk, rng.choice(_TOGETHER))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, runner.stop)
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        group = settings.database_schema
        ears = listen(_calls(runner.wake), urls.redis, group=group)
        async with AsyncExitStack() as stack:
            for beside in (ears, _watch_parent(os.getppid())):
                stack.callback(asyncio.create_task(beside).cancel)
            if "no alarm" not in changed:
                await stack.enter_async_context(fenced(parts.timing().fence))
            await runner.run()
        os._exit(0)


def _watch(engine: Engine, points: Points) -> None:
    parts = engine.container
    for name, verbs in WORKER_VERBS.items():
        provider = getattr(parts, name)
        provider.override(Watched(provider(), verbs, points))
    ways = engine.gateways
    for gateways in (
        *(ways.send, ways.look, ways.bulk, ways.look_many),
        *(ways.takers, ways.hosts, ways.repeats),
    ):
        for account, gateway in list(gateways.items()):
            gateways[account] = Watched(gateway, GATEWAY_VERBS, points)


def _calls(wake: Any) -> Any:
    async def look() -> None:
        wake()

    return look


async def _watch_parent(parent: int) -> None:
    while True:
        await asyncio.sleep(1)
        if os.getppid() != parent:
            os._exit(_FAILED)
