"""The real web app as a process of the test's own, with crash points in its inbox."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.faults.chaos import mutants
from tests.faults.chaos.points import WEB_VERBS, Points, Watched
from tests.faults.chaos.scale import Scale
from tests.faults.chaos.worker import scale_engine, settings_of

from outreach.entrypoints.engine import Urls, open_engine
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.server import Server
from outreach.entrypoints.webhooks_app import web_app

__all__ = ["main"]


def main(options: Mapping[str, Any]) -> None:
    """Serve webhooks until SIGTERM."""
    set_up_logs()
    asyncio.run(_serve(options))


async def _serve(options: Mapping[str, Any]) -> None:
    settings = settings_of(options)
    urls = Urls(options["database_url"], options["redis_url"])
    scale = Scale(options["times"], datetime.now(UTC), datetime.now(UTC))
    async with open_engine(settings, urls, role="outreach_web") as engine:
        scale_engine(engine, scale)
        parts = engine.container
        points = Points.of(options["env"], Random(options["seed"]))
        for name, verbs in WEB_VERBS.items():
            provider = getattr(parts, name)
            provider.override(Watched(provider(), verbs, points))
        mutants.plant_in_web(options["mutants"], engine)
        secret = (Secret(options["webhook_secret"]),)
        tokens = {"timelinesai": secret}
        if settings.instantly.api_key:
            tokens["instantly"] = secret
        server = Server(web_app(engine, tokens), "127.0.0.1", settings.web_port)
        await server.start()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, ended.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        waiting = asyncio.create_task(ended.wait())
        parent = os.getppid()
        while os.getppid() == parent and not waiting.done():
            await asyncio.wait({waiting}, timeout=1)
        await server.stop()
