"""Somebody who answers what people write: the real reviews, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from tests.faults.chaos.scale import Scale
from tests.faults.chaos.worker import scale_engine, settings_of

from outreach.domain.answer import Answer
from outreach.domain.errors import OutreachError
from outreach.domain.review import Resolution
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.logs import set_up_logs

__all__ = ["main"]

_FAILED: Final = 1
_EVERY_S: Final = 0.5
_AT_ONCE: Final = 20


def main(options: Mapping[str, Any]) -> None:
    """Answer every reply with a text of its own until SIGTERM."""
    set_up_logs()
    asyncio.run(_answer(options))


async def _answer(options: Mapping[str, Any]) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    urls = Urls(options["database_url"], options["redis_url"])
    scale = Scale(options["times"], datetime.now(UTC), datetime.now(UTC))
    parent = os.getppid()
    async with open_engine(settings_of(options), urls) as engine:
        scale_engine(engine, scale)
        while not ended.is_set() and os.getppid() == parent:
            # A store may be away for a moment, and an item may be another by now.
            with suppress(OutreachError):
                await _look(engine)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _EVERY_S)
    os._exit(0 if ended.is_set() else _FAILED)


async def _look(engine: Engine) -> None:
    parts = engine.container
    answer = parts.answer_review()
    for view in await parts.reviews().queue(engine.tenant, limit=_AT_ONCE):
        item = view.item
        text = f"Mulțumim, vă sunăm noi ({item.id}, {item.version})."
        said = Answer(Resolution.EDITED, "chaos", item.fingerprint or "", text)
        with suppress(OutreachError):
            await answer(engine.tenant, item.lead, said)
