"""``outreach web``."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

import click

from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import stores
from outreach.entrypoints.cli.options import command
from outreach.entrypoints.cli.screen import note
from outreach.entrypoints.engine import Urls, open_engine
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.secrets import webhook_tokens
from outreach.entrypoints.web.server import Server
from outreach.entrypoints.webhooks_app import web_app

__all__ = ["web"]

_INTERRUPTED: Final = 130


@command(
    "web",
    example="""\
outreach web
OUTREACH_WEB_HOST=0.0.0.0 OUTREACH_WEB_PORT=8080 outreach web""",
)
@click.pass_obj
def web(given: Given) -> None:
    """Serve webhooks, /healthz, /readyz and /metrics, until stopped.

    Providers must reach it at OUTREACH_PUBLIC_URL/webhooks/PROVIDER/TOKEN. It holds
    fewer rights in the database than a worker. Logs go to standard error, as JSON.
    """
    set_up_logs()
    with stores(given) as urls:
        ended_by = asyncio.run(_serve(given, urls))
    if ended_by is signal.SIGINT:
        raise click.exceptions.Exit(_INTERRUPTED)


async def _serve(given: Given, urls: Urls) -> signal.Signals | None:
    """The signal that ended it."""
    settings = given.settings
    ended: asyncio.Future[signal.Signals | None]
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def end(by: signal.Signals | None) -> None:
        if not ended.done():
            ended.set_result(by)

    async with open_engine(settings, urls, role="outreach_web") as engine:
        tokens = await webhook_tokens(engine, given.data_dir)
        app = web_app(engine, tokens)
        server = Server(app, settings.web_host, settings.web_port)
        port = await server.start()
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, end, number)
            died = asyncio.create_task(server.wait())
            died.add_done_callback(lambda _: end(None))
            host = settings.web_host
            here = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            note(f"serving {here}, known outside as {settings.public_url or here}")
            by = await ended
            if by is None:
                await died
            died.cancel()
        finally:
            await server.stop()
    return by
