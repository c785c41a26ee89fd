"""An engine inside an application of your own.

The same calls over this process's memory, where time moves by itself, and over
PostgreSQL and Redis, where it is the clock on the wall::

    async with Outreach.in_memory() as outreach:       # or Outreach.from_settings()
        await outreach.import_senders(Path("phones.toml"))
        await outreach.import_leads(Path("leads.csv"))
        await outreach.enroll(Path("sequence.toml"))
        await outreach.work(until=...)

All of it is asynchronous; a synchronous caller uses `anyio.from_thread` or
`asyncio.run`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import frozen
from starlette.applications import Starlette

from outreach.adapters.arq import hearing
from outreach.adapters.memory import EPOCH
from outreach.domain.errors import Misconfigured, NotFound, Refused
from outreach.domain.invariants import Breach
from outreach.domain.lead_file import ImportReport
from outreach.domain.message import Parcel
from outreach.domain.sequence import Override
from outreach.domain.usecases.enroll import Enrolled
from outreach.entrypoints.campaign_file import read_campaign
from outreach.entrypoints.engine import (
    Engine,
    Urls,
    check_redis,
    data_dir,
    incarnation,
    open_engine,
    without_providers,
)
from outreach.entrypoints.in_memory import InMemory, Providers, open_in_memory
from outreach.entrypoints.intake import enroll_file, import_file, senders_file
from outreach.entrypoints.providers import PROVIDERS, as_set
from outreach.entrypoints.secrets import webhook_tokens
from outreach.entrypoints.settings import Secret, Settings, load
from outreach.entrypoints.story import Story, story
from outreach.entrypoints.surroundings import RunPlan, stores
from outreach.entrypoints.web.parts import WebhookRoute
from outreach.entrypoints.web.reading import arrivals_of
from outreach.entrypoints.webhooks_app import web_app
from outreach.ports.decisions import Summary

__all__ = ["Outreach"]

_LOOK_EVERY_S: Final = 0.25
_ALL_TIME: Final = timedelta(days=10_000)

Works = Callable[[datetime | None], Coroutine[Any, Any, None]]


@frozen(eq=False)
class Outreach:
    """An open engine; made by `in_memory` or `from_settings`.

    Attributes:
        engine: what this is a door to, for what has no method here.
    """

    engine: Engine
    _works: Works
    _data_dir: Path
    _memory: InMemory | None = None

    @classmethod
    @asynccontextmanager
    async def in_memory(
        cls,
        settings: Settings | None = None,
        *,
        gateways: Providers | None = None,
        begin: datetime = EPOCH,
        seed: int = 0,
    ) -> AsyncIterator[Outreach]:
        """An engine in this process's memory: no server, no waiting.

        Nothing leaves it unless a gateway of yours sends it. Nothing of it is kept.

        Args:
            settings: of the tenant and the like; URLs and credentials are not used.
            gateways: yours, by name of their provider; the others are lists, see
                `sent`.
            begin: engine time to start from (aware); a Monday morning.
            seed: of gaps; the same seed and the same calls do the same.
        """
        made = open_in_memory(settings or Settings(), gateways, begin=begin, seed=seed)

        async def work(until: datetime | None) -> None:
            if until is None:
                message = "time in memory moves by itself: say until when to work"
                raise Misconfigured(message)
            await made.work(until)

        with TemporaryDirectory(prefix="outreach-") as folder:
            yield cls(made.engine, work, Path(folder), made)

    @classmethod
    @asynccontextmanager
    async def from_settings(
        cls,
        settings: Settings | None = None,
        *,
        config: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Outreach]:
        """An engine over PostgreSQL and Redis, and the providers with credentials.

        Args:
            settings: made in code; else read from *config* (or ``outreach.toml``) and
                ``OUTREACH_...`` over it. Without URLs embedded servers are found or
                started in the data folder, and ended with the last who uses them.
            env: instead of the process's environment.

        Raises:
            Misconfigured: a setting or a file is wrong.
            NotMigrated: the database lacks tables; ``outreach migrate`` makes them.
            Unavailable: a store does not answer.
        """
        around = os.environ if env is None else env
        wanted = settings or load(around, config=config)
        folder = data_dir(wanted, around)
        async with AsyncExitStack() as stack:
            urls = await asyncio.to_thread(
                stores, wanted, RunPlan(data_dir=folder), stack
            )
            engine = await stack.enter_async_context(
                open_engine(wanted, urls, reach_providers=True)
            )
            await check_redis(engine)

            async def work(until: datetime | None) -> None:
                await _work(engine, urls, until)

            yield cls(engine, work, folder)

    async def import_senders(self, file: Path) -> int:
        """Phones and mailboxes of a TOML or CSV file; how many it names.

        Raises:
            Misconfigured: the file is wrong; nothing of it is imported.
        """
        return await senders_file(self.engine, file)

    async def import_leads(
        self, file: Path, *, rejects: Path | None = None
    ) -> ImportReport:
        """Leads of a CSV or JSON lines file, merged with those that are known.

        Args:
            rejects: where rows that are refused go, with the reason; else a file in
                the data folder (in memory: in a private one that goes with the engine).

        Raises:
            Misconfigured: the file cannot be read, or has no column to reach anybody.
        """
        where = rejects or self._data_dir / f"{file.stem}.rejects.csv"
        return await import_file(self.engine, file, where)

    async def enroll(self, file: Path, *, override: Override | None = None) -> Enrolled:
        """Enrol all leads in the sequence of a file, each at most once.

        Args:
            override: who enrols although the phones cannot keep up, and why.

        Raises:
            Misconfigured: the file is wrong.
            Refused: the phones cannot keep up, and there is no *override*.
        """
        campaign = read_campaign(file).of(self.engine.tenant)
        return await enroll_file(self.engine, campaign, override)

    async def work(self, until: datetime | None = None) -> None:
        """Send, listen and look after everything until *until* (engine time, aware);
        None: until it is cancelled.

        Over PostgreSQL any number of processes may work at once; a call under way when
        this ends is waited for. In memory this returns as soon as all is done that is
        due by then.

        Raises:
            Misconfigured: no provider has credentials.
        """
        await self._works(until)

    async def receive(self, provider: str, body: bytes, *, number: str = "") -> int:
        """Take in a webhook that your application got, and has authenticated.

        Args:
            number: ours (E.164), for providers whose deliveries do not name it (Wamm,
                baileys-api).

        Returns:
            how many of its events were new; they are applied by `work`.

        Raises:
            NotFound: no such provider.
            Unavailable: it is not stored; have the provider send it again.
        """
        parts = self.engine.container
        reader = parts.readers().get(provider)
        if reader is None or provider not in PROVIDERS:
            message = f"no provider is called {provider!r}: {', '.join(PROVIDERS)}"
            raise NotFound(message)
        memory = self._memory
        at = datetime.now(UTC) if memory is None else memory.clock.machine
        route = WebhookRoute(provider, "default", reader)
        new = 0
        for arrival in arrivals_of(route, body, number, at):
            new += await parts.inbox().put(arrival)
        await self.engine.bell.ring()
        return new

    async def app(self) -> Starlette:
        """Webhooks, links in mail, health and metrics, to be mounted or served.

        ``Mount("/outreach", await outreach.app())`` works under any prefix; tell it
        by the setting `public_url`.
        """
        if self._memory is None:
            tokens = await webhook_tokens(self.engine, self._data_dir)
            return web_app(self.engine, tokens)
        return web_app(self.engine, self._tokens(), probes={"memory": _well})

    async def why(self, lead: str) -> Story:
        """Why a lead was, or was not, written to; ``str()`` is one sentence.

        Args:
            lead: an id or its start, a phone in any writing, an address, a CUI.

        Raises:
            NotFound: nobody is meant.
            Refused: several are; names them.
        """
        found = await story(self.engine, lead)
        if isinstance(found, Story):
            return found
        ids = ", ".join(str(one.id) for one in found)
        message = f"{lead!r} can mean {len(found)} leads; name one by its id: {ids}"
        raise Refused(message)

    async def summary(self) -> Summary:
        """Counts of the tenant."""
        found: Summary = await self.engine.container.decisions().summary(
            self.engine.tenant
        )
        return found

    async def audit(self) -> tuple[Breach, ...]:
        """Every place where an invariant does not hold, over all that is stored; none
        is a pass. For tests of yours as well as for a live engine, whose senders that
        are concerned it pauses.
        """
        parts = self.engine.container
        since = await parts.clock().now() - _ALL_TIME
        found = await parts.audit_ledger()(self.engine.tenant, since, by="embedding")
        breaches: tuple[Breach, ...] = found.breaches
        return breaches

    async def now(self) -> datetime:
        """Engine time (UTC)."""
        found: datetime = await self.engine.container.clock().now()
        return found

    def sent(self, provider: str) -> Sequence[Parcel]:
        """What left through a provider in memory, oldest first.

        Raises:
            NotFound: it is none of the lists of `in_memory`.
        """
        own = {} if self._memory is None else self._memory.own
        if provider not in own:
            message = (
                f"{provider!r} is no list in memory: {', '.join(own) or 'none is'}"
            )
            raise NotFound(message)
        return own[provider].accepted

    def _tokens(self) -> dict[str, tuple[Secret, ...]]:
        told = {
            name: self.engine.settings.table(name).webhook_secrets
            for name, provider in as_set(self.engine.settings).items()
            if provider.reader is not None and provider.signs is None
        }
        return {
            name: tuple(Secret(one) for one in secrets)
            for name, secrets in told.items()
            if secrets
        }


async def _well() -> None:
    """Memory always is."""


async def _work(engine: Engine, urls: Urls, until: datetime | None) -> None:
    if without_providers(engine.settings):
        message = (
            "no provider has credentials, so nothing could be sent: set "
            "OUTREACH_TIMELINESAI_API_KEY or another, or use Outreach.in_memory()"
        )
        raise Misconfigured(message)
    await engine.put_periodic_duties()
    runner = engine.runner(incarnation("embedded"))
    clock = engine.container.clock()

    async def look() -> None:
        runner.wake()

    async with hearing(look, urls.redis, group=engine.settings.database_schema):
        lanes = asyncio.create_task(runner.run(), name="lanes")
        try:
            while not lanes.done() and (until is None or await clock.now() < until):
                await asyncio.wait({lanes}, timeout=_LOOK_EVERY_S)
        finally:
            runner.stop()
            await lanes
