"""Opens everything an entry point needs, and closes it again."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from outreach.adapters.arq import ArqBell, connect_bell
from outreach.adapters.imap import Source
from outreach.adapters.memory.bell import Bells, LocalBell
from outreach.adapters.postgres import migrate
from outreach.adapters.postgres.logins import PostgresLogins
from outreach.adapters.postgres.pool import Role
from outreach.adapters.postgres.setup import ensure_partitions, known_tenant
from outreach.adapters.postgres.setup import tenant as find_tenant
from outreach.adapters.system import uuid7
from outreach.domain.change import Duty, DutyKind
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.ids import Incarnation, TenantId, account_id, tenant_id
from outreach.entrypoints.container import Container
from outreach.entrypoints.embedded.folder import default_data_dir
from outreach.entrypoints.gateways import Gateways
from outreach.entrypoints.mailboxes import mailbox_duties, use_mailboxes
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.own_keys import link_keys
from outreach.entrypoints.pool_boxes import PoolBoxes
from outreach.entrypoints.providers import PROVIDERS, USER_AGENT, House
from outreach.entrypoints.runner import IN_FLIGHT, TOGETHER, Runner
from outreach.entrypoints.settings import Settings, is_loopback
from outreach.entrypoints.talking import tell_people, use_model
from outreach.ports.bell import Bell

__all__ = [
    "Engine",
    "Urls",
    "check_mail",
    "check_outside",
    "check_redis",
    "data_dir",
    "incarnation",
    "logins_of",
    "open_engine",
]

WITNESS: Final = "instance.json"
"""In the data folder: how far this machine saw each database come."""


@frozen
class Urls:
    """Where the two stores are."""

    database: str = field(repr=False)
    redis: str = field(repr=False)


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

    async def put_periodic_duties(self, *, audits: bool = True) -> None:
        """The rows that everything periodic hangs on; again changes nothing.

        Args:
            audits: the hourly audit is one of them.
        """
        now = await self.container.clock().now()
        duties = [
            Duty(DutyKind.DISPATCH, str(self.tenant), self.tenant, now),
        ]
        if self.settings.openai.on:
            duties.append(Duty(DutyKind.INTROS, str(self.tenant), self.tenant, now))
        if audits:
            duties.append(Duty(DutyKind.AUDIT, str(self.tenant), self.tenant, now))
        for kind, accounts in (
            (DutyKind.STATUS_POLL, self.gateways.poll),
            (DutyKind.HEALTH, self.gateways.lists),
            (DutyKind.MAIL_COUNTS, self.gateways.hosts),
            (DutyKind.HEALTH, self.gateways.domains),
            (DutyKind.REPLAY, self.gateways.replays),
            (DutyKind.PLAN, self.gateways.tells),
        ):
            duties += [Duty(kind, str(one), self.tenant, now) for one in accounts]
        duties += await mailbox_duties(self.container, self.tenant, now)
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
    ask_model: bool = False,
    only_reads: bool = False,
) -> AsyncIterator[Engine]:
    """Connect to the stores and, if asked for, build the clients of the providers and
    of the model, or of the model alone.

    Args:
        only_reads: to look, and nothing else: the server refuses every write.

    Raises:
        Unavailable: PostgreSQL or Redis does not answer.
        NotMigrated: the database lacks tables; ``outreach migrate`` makes them.
        Misconfigured: a setting is wrong.
    """
    check_outside(settings)
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
            witness_file=data_dir(settings) / WITNESS,
            **gateways.by_ability(),
            bell=bell,
        )
        container.role.override(role)
        container.link_keys.override(link_keys(settings, data_dir(settings)))
        container.public.override(settings.public)
        if reach_providers or role == "outreach_web":
            check_mail(settings)
        database = container.database()
        if only_reads:
            database.only_reads()
        else:
            container.instance()  # looks at every connection before it is used
        await database.open()
        stack.push_async_callback(database.close)
        if only_reads:
            tenant = await known_tenant(database, settings.tenant.name)
            yield Engine(settings, container, tenant, gateways, local, bell, metrics)
            return
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
        if reach_providers or ask_model:
            use_model(
                settings, container, tenant, metrics, stack, user_agent=USER_AGENT
            )
        if reach_providers:
            _open_providers(settings, tenant, gateways, metrics, stack, container)
            if settings.imap.is_set:
                use_mailboxes(
                    settings.imap, container, _pool(settings, container, tenant)
                )
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


def data_dir(settings: Settings, env: Mapping[str, str] = os.environ) -> Path:
    """Where this installation keeps its own files."""
    named = settings.data_dir
    return Path(named).absolute() if named else default_data_dir(env)


def _open_providers(
    settings: Settings,
    tenant: TenantId,
    gateways: Gateways,
    metrics: Metrics,
    stack: AsyncExitStack,
    container: Container,
) -> None:
    for name, provider in PROVIDERS.items():
        table = settings.table(name)
        if table.is_set:
            gateway = provider.open(table, stack)
            if provider.equips is not None:
                logins = logins_of(settings, container, tenant)
                gateway = provider.equips(gateway, House(container.clock(), logins))
            account = account_id(tenant, name, "default")
            gateways.add(account, name, gateway, table.allowance, metrics)


def _pool(
    settings: Settings, container: Container, tenant: TenantId
) -> Callable[[Source], Source] | None:
    """Adds the mailboxes that we send from; None: there are none to be read."""
    if not (settings.smtp.is_set and settings.imap.host):
        return None
    senders, logins = container.senders(), logins_of(settings, container, tenant)
    imap, smtp = settings.imap, settings.smtp
    return lambda named: PoolBoxes(named, imap, smtp, tenant, senders, logins)


def logins_of(
    settings: Settings, container: Container, tenant: TenantId
) -> PostgresLogins:
    """The sealed logins of a tenant's mailboxes.

    Raises:
        Misconfigured: there is no key that every process would have.
    """
    keys = link_keys(settings, data_dir(settings))
    return PostgresLogins(container.database(), tenant, keys)


def check_outside(settings: Settings) -> None:
    """Whether every ``[providers.NAME]`` is for a provider that another package brings.

    Raises:
        Misconfigured: it is for nobody, or for one that is built in.
    """
    for name in settings.providers.tables:
        if name in PROVIDERS.built_in:
            message = f"[providers.{name}]: {name} is built in: write [{name}]"
            raise Misconfigured(message)
        if name not in PROVIDERS:
            others = sorted(PROVIDERS.keys() - PROVIDERS.built_in)
            message = (
                f"[providers.{name}]: no installed package brings a provider {name!r} "
                f"(there are: {', '.join(others) or 'none'}); install it here"
            )
            raise Misconfigured(message)


def check_mail(settings: Settings) -> None:
    """Whether mail that goes out can carry a link by which people are left alone.

    Raises:
        Misconfigured: a provider of mail has credentials, and there are no keys to
            sign links with, or they would lead nowhere.
    """
    mail = [name for name, provider in PROVIDERS.items() if provider.mails]
    used = [name for name in mail if settings.table(name).is_set]
    if not used:
        return
    alone = settings.embedded or is_loopback(settings.public)
    if not alone and not settings.secret_keys:
        message = (
            f"{used[0]} sends mail, and every mail must carry a signed link to "
            "unsubscribe: set OUTREACH_SECRET_KEYS, the same for every process"
        )
        raise Misconfigured(message)
    abroad = [name for name in used if not is_loopback(settings.table(name).base_url)]
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
    return not any(settings.table(name).is_set for name in PROVIDERS)


def with_provider(settings: Settings, name: str, **values: Any) -> Settings:
    """Settings with one provider's table changed."""
    table = evolve(getattr(settings, name), **values)
    changed: Mapping[str, Any] = {name: table}
    return evolve(settings, **changed)
