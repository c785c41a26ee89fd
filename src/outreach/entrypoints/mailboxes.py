"""The mailboxes that are read, from settings and a file."""

from __future__ import annotations

import csv
import os
import ssl
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from outreach.adapters.imap import Box, ImapMailboxes, Security, Source, is_loopback
from outreach.domain.change import Duty, DutyKind
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import TenantId
from outreach.domain.usecases.read_mailboxes import ReadMailboxes
from outreach.entrypoints.imap_settings import ImapTable

__all__ = [
    "Boxes",
    "boxes_abroad",
    "mailbox_duties",
    "open_mailboxes",
    "read_boxes",
    "use_mailboxes",
]

_TLS_PORT: Final = 993
_PASSWORDS: Final = ("password", "password_env", "password_file")
_KEYS: Final = frozenset({"address", "host", "port", "user", "security", *_PASSWORDS})


@frozen
class Boxes:
    """Implements `outreach.adapters.imap.Source`: the same all the time."""

    known: Mapping[str, Box] = field(repr=False)

    async def names(self) -> Sequence[str]:
        """Sorted."""
        return sorted(self.known)

    async def boxes(self, names: Sequence[str]) -> Sequence[Box]:
        """Those of them that there are."""
        return [self.known[name] for name in names if name in self.known]


def open_mailboxes(
    table: ImapTable, beside: Callable[[Source], Source] | None = None
) -> ImapMailboxes:
    """What reads all mailboxes of *table*; opens nothing.

    Args:
        beside: adds those that are known elsewhere.

    Raises:
        Misconfigured: names the file, the mailbox, the key and the way out.
    """
    found = list(read_boxes(table))
    by_name = {box.name: box for box in found}
    if len(by_name) < len(found):
        names = [box.name for box in found]
        twice = next(one for one in names if names.count(one) > 1)
        message = f"imap: mailbox {twice} is there twice: leave one out"
        raise Misconfigured(message)
    named: Source = Boxes(by_name)
    whole = named if beside is None else beside(named)
    return ImapMailboxes(whole, tls=_tls(table.ca_file))


def use_mailboxes(
    table: ImapTable,
    container: Any,
    beside: Callable[[Source], Source] | None = None,
) -> None:
    """Have the mailboxes of *table* read by what carries out duties.

    Raises:
        Misconfigured: see `open_mailboxes`.
    """
    container.own_mailboxes.override(open_mailboxes(table, beside))
    container.poll_every.override(timedelta(seconds=table.poll_seconds))
    container.mailboxes.override(container.read_mailboxes())


async def mailbox_duties(container: Any, tenant: TenantId, now: datetime) -> list[Duty]:
    """The rows that reading hangs on; the account is made that mail comes in by."""
    read: ReadMailboxes | None = container.mailboxes()
    if read is None:
        return []
    account = await read.places.account(tenant, read.provider, read.account)
    return [
        Duty(DutyKind.MAILBOXES, f"{account}/{part}", tenant, now)
        for part in range(await read.parts())
    ]


def boxes_abroad(table: ImapTable) -> list[str]:
    """Hosts of *table* that are not this machine."""
    hosts = {box.host for box in read_boxes(table)} | {table.host} - {""}
    return sorted(host for host in hosts if not is_loopback(host))


def read_boxes(table: ImapTable) -> Iterator[Box]:
    """The one of the settings, then those of the file."""
    if table.user:
        own: Mapping[str, Any] = {
            "address": table.address,
            "user": table.user,
            "password": table.password.reveal,
        }
        yield _box(own, "imap", table)
    if not table.mailboxes:
        return
    path = Path(table.mailboxes)
    number = 0
    for number, row in enumerate(_rows(path), start=1):
        yield _box(row, f"{path}: mailbox {number}", table)
    if not number:
        message = f"{path}: there is no mailbox; write [[mailbox]] tables"
        raise Misconfigured(message)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        message = f"mailboxes file {path} is not there"
        raise Misconfigured(message) from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"mailboxes file {path} cannot be read"
        raise Misconfigured(message) from error
    if path.suffix.lower() == ".csv":
        yield from _csv_rows(path, text)
        return
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # Not its message: it may quote a line with a password.
        message = f"mailboxes file {path} is no TOML"
        raise Misconfigured(message) from None
    rows = tree.get("mailbox", [])
    tables = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if tree.keys() - {"mailbox"} or not tables:
        message = f"{path}: only [[mailbox]] tables are allowed"
        raise Misconfigured(message)
    yield from rows


def _csv_rows(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    header = text.splitlines()[0] if text else ""
    delimiter = max(",;\t", key=header.count)
    for number, row in enumerate(
        csv.DictReader(text.splitlines(), delimiter=delimiter), start=1
    ):
        if any(row.pop(None, [])):
            message = f"{path}: mailbox {number} has more cells than the header"
            raise Misconfigured(message)
        values = {k.strip(): (v or "").strip() for k, v in row.items()}
        port = values.pop("port", "")
        if port and not port.isdigit():
            message = f"{path}: port must be a whole number, not {port!r}"
            raise Misconfigured(message)
        own = {"port": int(port)} if port else {}
        yield {name: value for name, value in values.items() if value} | own


def _box(row: Mapping[str, Any], where: str, table: ImapTable) -> Box:
    if unknown := sorted(row.keys() - _KEYS):
        allowed = ", ".join(sorted(_KEYS))
        message = f"{where}: unknown key {unknown[0]!r}; allowed: {allowed}"
        raise Misconfigured(message)
    for name, value in row.items():
        kind = int if name == "port" else str
        if not isinstance(value, kind) or isinstance(value, bool):
            message = f"{where}: {name} must be {kind.__name__}"
            raise Misconfigured(message)
    address = str(row.get("address", "")).lower()
    user = str(row.get("user", "")) or address
    password = _password(row, where)
    host = row.get("host") or table.host
    own = "host" in row or "port" in row
    port = row.get("port", 0) or (0 if "host" in row else table.port) or _TLS_PORT
    needed = {"address or user": user, "host": host, "password": password}
    for what, value in needed.items():
        if not value:
            message = f"{where}: it has no {what}: give it one"
            raise Misconfigured(message)
    usual = Security.TLS if port == _TLS_PORT else Security.STARTTLS
    said = row.get("security") or ("" if own else table.security) or usual
    try:
        return Box(
            name=address or user,
            address=address,
            host=str(host),
            port=port,
            user=user,
            password=password,
            security=Security(said),
        )
    except ValueError as error:
        message = f"{where}: {error}"
        raise Misconfigured(message) from None


def _password(row: Mapping[str, Any], where: str) -> str:
    named = [key for key in _PASSWORDS if row.get(key)]
    if len(named) > 1:
        message = f"{where}: {named[0]} and {named[1]} are one thing: leave one out"
        raise Misconfigured(message)
    if not named or named[0] == "password":
        return str(row.get("password", ""))
    source, value = named[0], str(row[named[0]])
    if source == "password_env":
        if found := os.environ.get(value):
            return found
        message = f"{where}: password_env {value!r} is not set in the environment"
        raise Misconfigured(message)
    try:
        return Path(value).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{where}: password_file {value!r} cannot be read"
        raise Misconfigured(message) from error


def _tls(ca_file: str) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if ca_file:
        try:
            made.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            message = f"imap.ca_file {ca_file!r} is no PEM of certificates"
            raise Misconfigured(message) from error
    return made
