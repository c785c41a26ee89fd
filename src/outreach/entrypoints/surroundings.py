"""What a run stands on: its folder, the two stores, a provider on loopback."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from attrs import evolve, field, frozen

from outreach.adapters.contacts import LibraryContacts
from outreach.adapters.postgres.migrate import migrate
from outreach.adapters.system import uuid7
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.domain.sequence import Override
from outreach.entrypoints.embedded import start
from outreach.entrypoints.engine import Urls, with_provider
from outreach.entrypoints.mailboxes import boxes_abroad
from outreach.entrypoints.providers import PROVIDERS
from outreach.entrypoints.sandbox import Sandbox
from outreach.entrypoints.sender_kinds import USUAL_PROVIDER
from outreach.entrypoints.senders_file import read_senders
from outreach.entrypoints.settings import ImapTable, Secret, Settings, is_loopback

__all__ = [
    "RunPlan",
    "check_speed",
    "only_run",
    "practise",
    "sandbox",
    "stores",
]


@frozen
class RunPlan:
    """What the command line asked for.

    Attributes:
        speed: engine seconds per machine second; None: real time.
        begin: where a scaled run starts; None: the next opening of the window.
        until: engine time to end at.
        exit_when_idle: end when nothing more can go out before the next working day.
        override: who enrols although the phones cannot keep up, and why.
        seed: of the invented population, where providers are invented.
        knobs: how that population behaves, for tests.
    """

    data_dir: Path
    leads: Path | None = None
    sequence: Path | None = None
    senders: Path | None = None
    speed: float | None = None
    begin: datetime | None = None
    until: datetime | None = None
    exit_when_idle: bool = False
    override: Override | None = None
    seed: int = 0
    knobs: dict[str, Any] = field(factory=dict)


def check_speed(settings: Settings, plan: RunPlan) -> None:
    """Raises Misconfigured if time would run faster than a real provider's."""
    if plan.speed is None:
        return
    for name in PROVIDERS:
        table = settings.table(name)
        if table.is_set and not is_loopback(table.base_url):
            message = (
                f"--speed is for providers on this machine only, and {name} is at "
                f"{table.base_url or 'its own address'}: leave --speed out"
            )
            raise Misconfigured(message)
    if abroad := boxes_abroad(settings.imap):
        message = (
            f"--speed is for servers on this machine only, and mail is read at "
            f"{abroad[0]}: leave --speed out"
        )
        raise Misconfigured(message)


@contextmanager
def only_run(data_dir: Path) -> Iterator[str]:
    """Hold the folder's lock: whoever held it before is dead, which the kernel proves.

    Yields the folder's own id.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = (
                f"another outreach run uses {data_dir}: end it, "
                "or set OUTREACH_DATA_DIR"
            )
            raise Misconfigured(message) from error
        yield _home(file)


def _home(file: IO[str]) -> str:
    file.seek(0)
    known = file.read().strip()
    try:
        return str(UUID(known))
    except ValueError:
        made = str(uuid7())
        file.truncate(0)
        file.write(made)
        file.flush()
        return made


def stores(settings: Settings, plan: RunPlan, stack: AsyncExitStack) -> Urls:
    """The embedded servers, or those the settings name; the former are migrated."""
    if not settings.embedded:
        return Urls(settings.database_url.reveal, settings.redis_url.reveal)
    servers = start(plan.data_dir / "servers", durable=True)
    stack.callback(servers.stop)
    migrate(servers.postgres_url, schema=settings.database_schema)
    return Urls(servers.postgres_url, servers.redis_url)


def sandbox(settings: Settings, plan: RunPlan) -> AbstractContextManager[Sandbox]:
    """The provider on loopback, in a process of its own; it goes on from its log."""
    tenant = settings.tenant
    phones: list[str] = []
    domains: dict[str, None] = {}
    if plan.senders is not None:
        found = read_senders(
            plan.senders,
            LibraryContacts(),
            region=tenant.country,
            time_zone=tenant.time_zone,
        )
        phones = [
            sender.number for sender in found if sender.channel is Channel.WHATSAPP
        ]
        # A mailbox whose domain its vendor does not know would be paused.
        warm = [one for one in found if one.channel is Channel.EMAIL_WARM]
        domains = dict.fromkeys(one.number.rpartition("@")[2] for one in warm)
    folder = plan.data_dir / "sandbox"
    folder.mkdir(exist_ok=True)
    return Sandbox.start(
        folder / "accepted.jsonl",
        seed=plan.seed,
        speed=plan.speed or 1.0,
        accounts=phones,
        domains=list(domains),
        knobs=plan.knobs,
    )


def practise(settings: Settings, box: Sandbox) -> Settings:
    """The settings with every provider on loopback; no real mailbox is read.

    Phones go by the one that is played, whichever they are meant for.
    """
    key = Secret(box.token)
    usual = USUAL_PROVIDER[Channel.WHATSAPP]
    tenant = evolve(settings.tenant, whatsapp_provider=usual)
    settings = evolve(settings, tenant=tenant)
    for name, url, more in (
        ("timelinesai", box.base_url, {}),
        ("instantly", box.instantly_url, {}),
        ("resend", box.resend_url, {"webhook_secret": Secret(box.signing_secret)}),
    ):
        settings = with_provider(settings, name, api_key=key, base_url=url, **more)
    return evolve(settings, imap=ImapTable())
