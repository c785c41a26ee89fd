"""What `doctor` looks at, each check a function that answers what it found.

None of them changes anything; all but those of the providers end within seconds.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from outreach.domain.errors import Misconfigured, OutreachError
from outreach.domain.sender import SendClass, Sender
from outreach.domain.suppression import way_out
from outreach.entrypoints.cli import mail_checks
from outreach.entrypoints.cli.backlog import backlog, sequences
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.cli.health_rows import findings
from outreach.entrypoints.cli.sender_rows import MAILBOXES, PHONES, Rows
from outreach.entrypoints.cli.webhook_checks import of_webhooks
from outreach.entrypoints.engine import Engine, check_outside
from outreach.entrypoints.providers import PROVIDERS, as_set
from outreach.entrypoints.settings import SesTable, Settings, is_loopback

__all__ = [
    "at_providers",
    "base_url",
    "in_the_engine",
    "of_settings",
    "of_this_machine",
]

_NEWEST_PYTHON: Final = (3, 14)
_GB: Final = 1 << 30
_DISK_LOW: Final = 2 * _GB
_DISK_OUT: Final = _GB // 5
_INBOX_BEHIND: Final = timedelta(seconds=60)


def of_this_machine(data_dir: Path) -> Iterator[Finding]:
    """Python, and the disk below the data folder."""
    version = platform.python_version()
    known = sys.version_info[:2] <= _NEWEST_PYTHON
    yield Finding(
        "python",
        Level.OK if known else Level.WARN,
        f"{platform.python_implementation()} {version}",
        "" if known else "tried with 3.11 to 3.14 only",
    )
    there = next(one for one in (data_dir, *data_dir.parents) if one.exists())
    free = shutil.disk_usage(there).free
    level = Level.OK if free >= _DISK_LOW else Level.WARN
    level = Level.FAIL if free < _DISK_OUT else level
    yield Finding(
        "disk",
        level,
        f"{free / _GB:.1f} GB free at {there}",
        "" if level is Level.OK else "make room, or set OUTREACH_DATA_DIR elsewhere",
    )


def of_settings(settings: Settings) -> Iterator[Finding]:
    """What can be said of the settings alone."""
    servers = "embedded servers" if settings.embedded else "servers by URL"
    tenant = settings.tenant
    yield Finding(
        "settings",
        Level.OK,
        f"read; {servers}; tenant {tenant.name}, {tenant.time_zone}, {tenant.country}",
    )
    try:
        check_outside(settings)
    except Misconfigured as error:
        yield Finding("providers", Level.FAIL, str(error), "correct it")
        return
    with_key = [name for name in PROVIDERS if settings.table(name).is_set]
    if not with_key:
        yield Finding(
            "providers",
            Level.WARN,
            "none has credentials",
            "set OUTREACH_TIMELINESAI_API_KEY; until then outreach run practises on a "
            "provider of its own, and workers send nothing",
        )
    known = as_set(settings)
    for name in with_key:
        if known[name].signs_in:
            yield from mail_checks.of_pool(settings.smtp)
            continue
        table = settings.table(name)
        yield base_url(name, table.base_url, hosted=known[name].hosted)
        if isinstance(table, SesTable):
            yield _region(table)
        yield of_webhooks(known[name], table, settings.public)
    if with_key:
        yield _public(settings, with_key)


def _region(table: SesTable) -> Finding:
    """Of Amazon SES: where its account is, and what its mails name."""
    if not table.region:
        return Finding(
            "ses region",
            Level.FAIL,
            "none: nothing can be signed",
            "set OUTREACH_SES_REGION, such as eu-west-1",
        )
    named = table.configuration_set
    return Finding(
        "ses region",
        Level.OK if named else Level.WARN,
        f"{table.region}, {f'configuration set {named}' if named else 'no set'}",
        ""
        if named
        else "set OUTREACH_SES_CONFIGURATION_SET: it publishes what becomes of mail",
    )


def base_url(name: str, url: str, *, hosted: bool = True) -> Finding:
    """Whether there is one, and a key would travel in the clear.

    Args:
        hosted: the provider has one of its own.
    """
    check = f"{name} address"
    if not url and not hosted:
        return Finding(
            check,
            Level.FAIL,
            "nobody said where it runs",
            f"set OUTREACH_{name.upper()}_BASE_URL",
        )
    if not url:
        return Finding(check, Level.OK, "the vendor's own")
    plain = urlsplit(url).scheme == "http" and not is_loopback(url)
    if plain:
        return Finding(
            check,
            Level.FAIL,
            f"{url} would send the key unencrypted",
            f"begin OUTREACH_{name.upper()}_BASE_URL with https://",
        )
    return Finding(check, Level.OK, url)


def _public(settings: Settings, names: Sequence[str]) -> Finding:
    url = settings.public
    far = any(not is_loopback(settings.table(name).base_url) for name in names)
    if far and is_loopback(url):
        return Finding(
            "public address",
            Level.WARN,
            f"{url} cannot be reached from outside: no reply would come in",
            "set OUTREACH_PUBLIC_URL to where the web app is known outside",
        )
    return Finding("public address", Level.OK, url)


def _senders(kind: Rows, found: Sequence[Sender]) -> Finding:
    able = [sender for sender in found if sender.may(SendClass.NEW)]
    many = f"outreach {kind.many}"
    return Finding(
        kind.many,
        Level.OK if able else Level.WARN,
        f"{len(found)}, of which {len(able)} may write to new contacts",
        "" if able else f"{many} import FILE, or {many} resume",
    )


async def in_the_engine(engine: Engine) -> Sequence[Finding]:
    """Phones, sequences, switches, and what has piled up."""
    parts = engine.container
    uses = await parts.senders().all(engine.tenant)
    phones = [use.sender for use in uses if PHONES.has(use.sender)]
    mailboxes = [use.sender for use in uses if MAILBOXES.has(use.sender)]
    found = [_senders(PHONES, phones)] if phones or not mailboxes else []
    if mailboxes:
        found.append(_senders(MAILBOXES, mailboxes))
    found += findings(await parts.accounts().health(engine.tenant))
    count = await sequences(parts.database(), engine.tenant)
    found.append(
        Finding(
            "sequences",
            Level.OK if count else Level.WARN,
            f"{count} active",
            "" if count else "outreach enroll --sequence FILE",
        )
    )
    thrown = await parts.switches().thrown(engine.tenant)
    says = ", ".join(f"{one.scope} {one.of} ({one.reason})" for one in thrown)
    found.append(
        Finding(
            "switches",
            Level.WARN if thrown else Level.OK,
            f"stopped: {says}" if thrown else "nothing is stopped",
            ", ".join(map(way_out, thrown)),
        )
    )
    left = await backlog(parts.database(), engine.tenant)
    waits = timedelta()
    if left.oldest_event is not None:
        waits = max(waits, left.now - left.oldest_event)
    behind = waits > _INBOX_BEHIND
    found.append(
        Finding(
            "events",
            Level.WARN if behind else Level.OK,
            f"the oldest waits for {waits.total_seconds():.0f} s, {left.parked} parked",
            "start a worker: nothing is sent while events wait" if behind else "",
        )
    )
    return found


async def at_providers(engine: Engine) -> Sequence[Finding]:
    """Whether each provider takes our credentials; asks, and changes nothing."""
    found = [*await mail_checks.of_domains(engine)]
    for gateway in {id(one): one for one in engine.gateways.lists.values()}.values():
        try:
            numbers = await gateway.senders()
        except OutreachError as error:
            way = "correct the key and address of the provider, or wait for it"
            found.append(Finding("provider", Level.FAIL, str(error), way))
        else:
            connected = sum(one.connected for one in numbers)
            found.append(
                Finding(
                    "provider",
                    Level.OK if connected else Level.WARN,
                    f"takes our key; {connected} of {len(numbers)} numbers connected",
                    "" if connected else "connect a number at the provider",
                )
            )
    return found
