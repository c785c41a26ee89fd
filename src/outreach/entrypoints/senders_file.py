"""Senders from a TOML or CSV file."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.domain.lead import Phone
from outreach.domain.limits import Limits
from outreach.domain.sender import NewSender
from outreach.domain.window import zone_info
from outreach.ports.contacts import Contacts

__all__ = ["read_senders"]

_KEYS: Final = frozenset(
    {
        "channel",
        "phone",
        "label",
        "provider",
        "provider_account",
        "account_ref",
        "time_zone",
        "daily_limit",
        "priority",
        "warm_up_days",
        *Limits.names(),
    }
)
_NUMBERS: Final = ("daily_limit", "priority", "warm_up_days", *Limits.names())


def read_senders(
    path: Path, contacts: Contacts, *, region: str, time_zone: str
) -> tuple[NewSender, ...]:
    """Read a file of ``[[sender]]`` tables, or a CSV with the same names.

    Args:
        path: ``.csv``, else TOML.
        contacts: reads the numbers.
        region: of numbers without a country code.
        time_zone: where a sender names none.

    Raises:
        Misconfigured: names file, sender, key, value and the way out.
    """
    found: list[NewSender] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path}: sender {number}"
        sender = _sender(row, where, contacts, region=region, time_zone=time_zone)
        if sender.phone in seen:
            message = f"{where}: the phone is that of sender {seen[sender.phone]} too"
            raise Misconfigured(message)
        seen[sender.phone] = number
        found.append(sender)
    if not found:
        message = f"{path}: there is no sender; write [[sender]] tables"
        raise Misconfigured(message)
    return tuple(found)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        message = f"senders file {path} is not there"
        raise Misconfigured(message) from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"senders file {path} cannot be read: {error}"
        raise Misconfigured(message) from error
    if path.suffix.lower() == ".csv":
        yield from _csv_rows(path, text)
        return
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"senders file {path} is no TOML: {error}"
        raise Misconfigured(message) from error
    if unknown := sorted(tree.keys() - {"sender"}):
        message = f"{path}: unknown key {unknown[0]!r}; allowed: [[sender]] tables"
        raise Misconfigured(message)
    rows = tree.get("sender", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = f"{path}: sender must be a list of tables: [[sender]]"
        raise Misconfigured(message)
    yield from rows


def _csv_rows(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    header = text.splitlines()[0] if text else ""
    delimiter = max(",;\t", key=header.count)
    for row in csv.DictReader(text.splitlines(), delimiter=delimiter):
        values = {(k or "").strip(): (v or "").strip() for k, v in row.items()}
        numbers: dict[str, Any] = {}
        for name in _NUMBERS:
            value = values.pop(name, "")
            if value and not value.isdigit():
                message = f"{path}: {name} must be a whole number, not {value!r}"
                raise Misconfigured(message)
            if value:
                numbers[name] = int(value)
        yield {name: value for name, value in values.items() if value} | numbers


def _sender(
    row: Mapping[str, Any],
    where: str,
    contacts: Contacts,
    *,
    region: str,
    time_zone: str,
) -> NewSender:
    if unknown := sorted(row.keys() - _KEYS):
        allowed = ", ".join(sorted(_KEYS))
        message = f"{where}: unknown key {unknown[0]!r}; allowed: {allowed}"
        raise Misconfigured(message)
    for name in _KEYS & row.keys():
        kind = int if name in _NUMBERS else str
        if not isinstance(row[name], kind) or isinstance(row[name], bool):
            message = f"{where}: {name} must be {kind.__name__}, not {row[name]!r}"
            raise Misconfigured(message)
    if row.get("channel", "WHATSAPP") != "WHATSAPP":
        message = f"{where}: channel {row['channel']!r}: only WHATSAPP has senders yet"
        raise Misconfigured(message)
    phone = contacts.phone(str(row.get("phone", "")), region=region)
    if not isinstance(phone, Phone):
        message = f"{where}: phone {row.get('phone', '')!r}: {phone.reason}"
        raise Misconfigured(message)
    zone = row.get("time_zone", time_zone)
    zone_info(zone)
    try:
        return NewSender(
            phone=phone.e164,
            provider=row.get("provider", "timelinesai"),
            time_zone=zone,
            channel=Channel.WHATSAPP,
            label=row.get("label", ""),
            provider_account=row.get("provider_account", "default"),
            account_ref=row.get("account_ref", ""),
            daily_limit=row.get("daily_limit", 200),
            priority=row.get("priority", 1),
            warm_up_days=row.get("warm_up_days", 0),
            limits=Limits(**{name: row.get(name) for name in Limits.names()}),
        )
    except ValueError as error:
        message = f"{where}: {error}"
        raise Misconfigured(message) from error
