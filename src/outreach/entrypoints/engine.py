"""Opens everything an entry point needs, and closes it again."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from outreach.adapters import instantly, resend, timelinesai
from outreach.adapters.arq import ArqBell, connect_bell
from outreach.adapters.memory.bell import Bells, LocalBell
from outreach.adapters.postgres import migrate
from outreach.adapters.postgres.pool import Role
from outreach.adapters.postgres.setup import ensure_partitions
from outreach.adapters.postgres.setup import tenant as find_tenant
from outreach.adapters.system import uuid7
from outreach.domain.allowance import Allowance
from outreach.domain.change import Duty, DutyKind
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.ids import AccountId, Incarnation, TenantId, account_id, tenant_id
from outreach.domain.usecases.replay_lost import Source
from outreach.entrypoints.container import Container
from outreach.entrypoints.embedded.folder import default_data_dir
from outreach.entrypoints.measured import Measured, MeasuredMany
from outreach.entrypoints.metrics import Metrics, provider_name
from outreach.entrypoints.own_keys import link_keys
from outreach.entrypoints.runner import IN_FLIGHT, TOGETHER, Runner
from outreach.entrypoints.settings import (
    Provider,
    Settings,
    WorkspaceProvider,
    is_loopback,
)
from outreach.entrypoints.talking import tell_people, use_model
from outreach.ports.bell import Bell
from outreach.ports.incoming import Authenticates

__all__ = [
    "Engine",
    "Gateways",
    "Urls",
    "check_mail",
    "incarnation",
    "open_engine",
]

PROVIDERS: Final = ("timelinesai", "instantly", "resend")
"""Providers that are built, by the name of their settings table."""
SIGNERS: Final[Mapping[str, Callable[[Sequence[str]], Authenticates | None]]] = {
    "resend": resend.signatures,
}
"""Those that sign their webhooks: from the secrets of their table to what checks."""
MAIL_PROVIDERS: Final = frozenset({"instantly", "resend", "ses", "sendgrid", "smtp"})
"""Those of them that send mail."""
BY_HEADER: Final = frozenset({"instantly"})
"""Those that send a header of ours with a webhook; others have a token in the path."""
WITNESS: Final = "instance.json"
"""In the data folder: how far this machine saw each database come."""

_USER_AGENT: Final = "outreach/0.1 (+https://github.com/outreach-engine/outreach)"


@frozen
class Urls:
    """Where the two stores are."""

    database: str = field(repr=False)
    redis: str = field(repr=False)


@frozen
class Gateways:
    """What can send, by provider account, and what else each can do."""

    send: dict[AccountId, Any] = field(factory=dict)
    bulk: dict[AccountId, Any] = field(factory=dict)
    look: dict[AccountId, Any] = field(factory=dict)
    look_many: dict[AccountId, Any] = field(factory=dict)
    poll: dict[AccountId, Any] = field(factory=dict)
    lists: dict[AccountId, Any] = field(factory=dict)
    takers: dict[AccountId, Any] = field(factory=dict)
    repeats: dict[AccountId, Any] = field(factory=dict)
    hosts: dict[AccountId, Any] = field(factory=dict)
    webhooks: dict[AccountId, Any] = field(factory=dict)
    fetch: dict[AccountId, Any] = field(factory=dict)
    domains: dict[AccountId, Any] = field(factory=dict)
    replays: dict[AccountId, Any] = field(factory=dict)
    tells: dict[AccountId, Any] = field(factory=dict)
    allowances: dict[AccountId, Allowance] = field(factory=dict)


@frozen
class Engine:
    """Everything opened, for one process.

    Attributes:
        local: wakes this process's own runner.
    """

    settings: Settings
    container: Container
    tenant: TenantId
    gateways: Gateways
    local: LocalBell
    bell: Bell
    metrics: Metrics

    def runner(self, who: Incarnation) -> Runner:
        """The worker's loop, not started yet."""
        parts = self.container
        return Runner(
            who=who,
            bell=self.local,
            lanes=parts.lanes(),
            clock=parts.clock(),
            send=parts.send(),
            recover=parts.recover(),
            look=parts.look(),
            take_in=parts.take_in(),
            duties=parts.do_duties(),
            watch=parts.watch_instance(),
            punctual=parts.punctual(str(who)),
            rooms=dict.fromkeys(self.gateways.send, IN_FLIGHT),
            many=dict.fromkeys(self.gateways.bulk, TOGETHER),
        )

    async def put_periodic_duties(self) -> None:
        """The rows that everything periodic hangs on; again changes nothing."""
        now = await self.container.clock().now()
        duties = [
            Duty(DutyKind.DISPATCH, str(self.tenant), self.tenant, now),
            Duty(DutyKind.AUDIT, str(self.tenant), self.tenant, now),
        ]
        for kind, accounts in (
            (DutyKind.STATUS_POLL, self.gateways.poll),
            (DutyKind.HEALTH, self.gateways.lists),
            (DutyKind.MAIL_COUNTS, self.gateways.hosts),
            (DutyKind.HEALTH, self.gateways.domains),
            (DutyKind.REPLAY, self.gateways.replays),
            (DutyKind.PLAN, self.gateways.tells),
        ):
            duties += [Duty(kind, str(one), self.tenant, now) for one in accounts]
        await self.container.duties().put(duties)


def incarnation(kind: str) -> Incarnation:
    """Name this life of this process."""
    return Incarnation(f"{kind}:{socket.gethostname()}:{os.getpid()}:{uuid7()}")


@asynccontextmanager
async def open_engine(
    settings: Settings,
    urls: Urls,
    *,
    role: Role = "outreach_worker",
    reach_providers: bool = False,
) -> AsyncIterator[Engine]:
    """Connect to the stores and, if asked for, build the providers' clients.

    Raises:
        Unavailable: PostgreSQL or Redis does not answer.
        NotMigrated: the database lacks tables; ``outreach migrate`` makes them.
        Misconfigured: a setting is wrong.
    """
    migrate.check(urls.database, schema=settings.database_schema)
    gateways = Gateways()
    metrics = Metrics()
    local = LocalBell()
    async with AsyncExitStack() as stack:
        pool = connect_bell(urls.redis)
        stack.push_async_callback(pool.aclose)
        bell = Bells(local, ArqBell(pool, group=settings.database_schema))
        container = Container(
            settings=settings,
            database_url=urls.database,
            redis_url=urls.redis,
            witness_file=_data_dir(settings) / WITNESS,
            gateways=gateways.send,
            bulk=gateways.bulk,
            lookups=gateways.look,
            bulk_lookups=gateways.look_many,
            polls=gateways.poll,
            lists=gateways.lists,
            takers=gateways.takers,
            repeats=gateways.repeats,
            hosts=gateways.hosts,
            fetchers=gateways.fetch,
            domains=gateways.domains,
            replays=gateways.replays,
            tells=gateways.tells,
            bell=bell,
        )
        container.role.override(role)
        container.link_keys.override(link_keys(settings, _data_dir(settings)))
        container.public.override(settings.public)
        if reach_providers or role == "outreach_web":
            check_mail(settings)
        database = container.database()
        container.instance()  # looks at every connection before it is used
        await database.open()
        stack.push_async_callback(database.close)
        await tell_people(settings, container, stack)
        guard = container.guard()
        stack.push_async_callback(container.redis().aclose)
        stack.push_async_callback(guard.aclose)
        await container.watch_instance()()
        tenant = await find_tenant(
            database,
            settings.tenant.name,
            time_zone=settings.tenant.time_zone,
            country=settings.tenant.country,
            language=settings.tenant.language,
            ids=lambda: tenant_id(settings.tenant.name),
        )
        await ensure_partitions(database)
        if reach_providers:
            use_model(
                settings, container, tenant, metrics, stack, user_agent=_USER_AGENT
            )
            await _build_gateways(settings, tenant, gateways, metrics, stack)
            for account, allowance in gateways.allowances.items():
                await container.accounts().allow(tenant, account, allowance)
        yield Engine(settings, container, tenant, gateways, local, bell, metrics)


async def check_redis(engine: Engine) -> None:
    """Raises Unavailable, naming the way out, if Redis does not answer.

    Another server than before is another epoch: its guard is rebuilt before it is
    believed. A database that is behind what Redis saw of it is held.
    """
    try:
        store = await engine.container.guard().store_id()
    except Unavailable as error:
        message = (
            "Redis does not answer at OUTREACH_REDIS_URL: start it, or correct the URL"
        )
        raise Unavailable(message) from error
    await engine.container.intents().epoch(store)
    # Again, for Redis may have been away when the engine was opened.
    await engine.container.watch_instance()()


def _data_dir(settings: Settings) -> Path:
    named = settings.data_dir
    return Path(named).absolute() if named else default_data_dir(os.environ)


async def _build_gateways(
    settings: Settings,
    tenant: TenantId,
    gateways: Gateways,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> None:
    if settings.timelinesai.api_key:
        _build_timelinesai(settings.timelinesai, tenant, gateways, metrics, stack)
    if settings.resend.api_key:
        _build_resend(settings.resend, tenant, gateways, metrics, stack)
    if settings.instantly.api_key:
        _build_instantly(settings.instantly, tenant, gateways, metrics, stack)


def _build_timelinesai(
    wanted: Provider,
    tenant: TenantId,
    gateways: Gateways,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> None:
    client = timelinesai.open_client(
        wanted.api_key.reveal,
        base_url=wanted.base_url or timelinesai.BASE_URL,
        user_agent=_USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    gateway = timelinesai.TimelinesGateway(client)
    account = account_id(tenant, "timelinesai", "default")
    gateways.send[account] = Measured(gateway, provider_name("timelinesai"), metrics)
    gateways.allowances[account] = wanted.allowance
    for ability in (gateways.look, gateways.poll, gateways.lists, gateways.webhooks):
        ability[account] = gateway


def _build_resend(
    wanted: Provider,
    tenant: TenantId,
    gateways: Gateways,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> None:
    client = resend.open_client(
        wanted.api_key.reveal,
        base_url=wanted.base_url or resend.BASE_URL,
        user_agent=_USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    gateway = resend.ResendGateway(client, wanted.webhook_secrets)
    account = account_id(tenant, "resend", "default")
    gateways.send[account] = Measured(gateway, provider_name("resend"), metrics)
    gateways.allowances[account] = wanted.allowance
    for ability in (
        *(gateways.look, gateways.poll, gateways.takers, gateways.repeats),
        *(gateways.fetch, gateways.domains, gateways.webhooks),
    ):
        ability[account] = gateway


def _build_instantly(
    wanted: WorkspaceProvider,
    tenant: TenantId,
    gateways: Gateways,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> None:
    client = instantly.open_client(
        wanted.api_key.reveal,
        base_url=wanted.base_url or instantly.BASE_URL,
        workspace=wanted.workspace,
        user_agent=_USER_AGENT,
    )
    stack.push_async_callback(client.aclose)
    gateway = instantly.InstantlyGateway(client)
    account = account_id(tenant, "instantly", "default")
    name = provider_name("instantly")
    gateways.send[account] = Measured(gateway, name, metrics)
    gateways.bulk[account] = MeasuredMany(gateway, name, metrics, bulk=gateway)
    gateways.allowances[account] = wanted.allowance
    abilities = (
        *(gateways.look, gateways.look_many, gateways.repeats, gateways.takers),
        *(gateways.hosts, gateways.webhooks),
    )
    for ability in abilities:
        ability[account] = gateway
    gateways.replays[account] = Source("instantly", "default", gateway)


def check_mail(settings: Settings) -> None:
    """Whether mail that goes out can carry a link by which people are left alone.

    Raises:
        Misconfigured: a provider of mail has credentials, and there are no keys to
            sign links with, or they would lead nowhere.
    """
    mail = [name for name in PROVIDERS if name in MAIL_PROVIDERS]
    used = [name for name in mail if getattr(settings, name).api_key]
    if not used:
        return
    if not settings.embedded and not settings.secret_keys:
        message = (
            f"{used[0]} sends mail, and every mail must carry a signed link to "
            "unsubscribe: set OUTREACH_SECRET_KEYS, the same for every process"
        )
        raise Misconfigured(message)
    abroad = [
        name for name in used if not is_loopback(getattr(settings, name).base_url)
    ]
    if abroad and is_loopback(settings.public):
        message = (
            f"{abroad[0]} sends mail whose links to unsubscribe would lead to "
            f"{settings.public}: set OUTREACH_PUBLIC_URL to where people reach "
            "outreach web"
        )
        raise Misconfigured(message)
    if urlsplit(settings.public).scheme != "https" and not is_loopback(settings.public):
        message = (
            f"OUTREACH_PUBLIC_URL is {settings.public}, and links in mail must be "
            "secure: give one that begins with https://"
        )
        raise Misconfigured(message)


def without_providers(settings: Settings) -> bool:
    """No provider has credentials."""
    return not any(getattr(settings, name).api_key for name in PROVIDERS)


def with_provider(settings: Settings, name: str, **values: Any) -> Settings:
    """Settings with one provider's table changed."""
    table = evolve(getattr(settings, name), **values)
    changed: Mapping[str, Any] = {name: table}
    return evolve(settings, **changed)
