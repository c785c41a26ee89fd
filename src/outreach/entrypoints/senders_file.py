"""Senders from a TOML or CSV file."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from outreach.domain.budget import HARD_LIMIT
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.domain.lead import Email, Phone
from outreach.domain.limits import Limits
from outreach.domain.new_sender import NewSender
from outreach.domain.window import zone_info
from outreach.entrypoints.sender_kinds import (
    ANSWERING,
    CARRIED,
    PICKS_MAILBOX,
    USUAL_PROVIDER,
    mails_per_day,
    pacing_of,
)
from outreach.ports.contacts import Contacts

__all__ = ["read_senders"]

_KEYS: Final = frozenset(
    {
        "channel",
        "phone",
        "address",
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
_OF_PHONES: Final = ("phone", "warm_up_days")
_NUMBERS: Final = ("daily_limit", "priority", "warm_up_days", *Limits.names())


def read_senders(
    path: Path,
    contacts: Contacts,
    *,
    region: str,
    time_zone: str,
    whatsapp: str = USUAL_PROVIDER[Channel.WHATSAPP],
) -> tuple[NewSender, ...]:
    """Read a file of ``[[sender]]`` tables, or a CSV with the same names.

    Args:
        path: ``.csv``, else TOML.
        contacts: reads the numbers.
        region: of numbers without a country code.
        time_zone: where a sender names none.
        whatsapp: provider of a phone that names none.

    Raises:
        Misconfigured: names file, sender, key, value and the way out.
    """
    found: list[NewSender] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path}: sender {number}"
        is_phone = row.get("channel", Channel.WHATSAPP) == Channel.WHATSAPP
        whole = {"provider": whatsapp, **row} if is_phone else row
        sender = _sender(whole, where, contacts, region=region, time_zone=time_zone)
        if sender.number in seen:
            what = "phone" if sender.channel is Channel.WHATSAPP else "address"
            message = (
                f"{where}: {what} {sender.number} is that of sender "
                f"{seen[sender.number]} too: leave one out"
            )
            raise Misconfigured(message)
        seen[sender.number] = number
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
    channel, provider = _kind(row, where)
    account = row.get("provider_account", "default")
    number = _number(row, where, contacts, channel=channel, region=region)
    zone = row.get("time_zone", time_zone)
    zone_info(zone)
    try:
        return NewSender(
            number=number or f"{provider}/{account}",
            provider=provider,
            time_zone=zone,
            channel=channel,
            answers=provider in ANSWERING,
            label=row.get("label", ""),
            provider_account=account,
            account_ref=row.get("account_ref", ""),
            daily_limit=_daily_limit(row, channel),
            priority=row.get("priority", 1),
            warm_up_days=row.get("warm_up_days", 0),
            limits=_limits(row, where, channel, provider),
            pacing=pacing_of(channel, provider),
        )
    except ValueError as error:
        message = f"{where}: {error}"
        raise Misconfigured(message) from error


def _kind(row: Mapping[str, Any], where: str) -> tuple[Channel, str]:
    """The channel, with a provider that has senders of it."""
    name = row.get("channel", str(Channel.WHATSAPP))
    if name not in USUAL_PROVIDER:
        allowed = ", ".join(USUAL_PROVIDER)
        message = f"{where}: channel {name!r} has no senders; allowed: {allowed}"
        raise Misconfigured(message)
    channel = Channel(name)
    provider = row.get("provider", USUAL_PROVIDER[channel])
    carried = CARRIED.get(provider, frozenset({channel}))
    if channel not in carried:
        allowed = " or ".join(sorted(carried))
        message = (
            f"{where}: channel {name!r} does not go out by provider {provider!r}: "
            f"write channel {allowed}, or another provider"
        )
        raise Misconfigured(message)
    theirs = ("address",) if channel is Channel.WHATSAPP else _OF_PHONES
    for key in theirs:
        if key in row:
            message = (
                f"{where}: {key} {row[key]!r} is not for channel {name}: "
                "leave it out, or correct the channel"
            )
            raise Misconfigured(message)
    return channel, provider


def _number(
    row: Mapping[str, Any],
    where: str,
    contacts: Contacts,
    *,
    channel: Channel,
    region: str,
) -> str:
    """The phone or the address; empty where the vendor picks the mailbox."""
    if channel is Channel.WHATSAPP:
        phone = contacts.phone(str(row.get("phone", "")), region=region)
        if not isinstance(phone, Phone):
            message = f"{where}: phone {row.get('phone', '')!r}: {phone.reason}"
            raise Misconfigured(message)
        return phone.e164
    text = row.get("address", "")
    provider = row.get("provider", USUAL_PROVIDER[channel])
    if not text and provider in PICKS_MAILBOX:
        return ""
    address = contacts.email(text)
    if not isinstance(address, Email):
        message = (
            f"{where}: address {text!r}: {address.reason}; "
            "give the mailbox as name@domain"
        )
        raise Misconfigured(message)
    return address.address


def _daily_limit(row: Mapping[str, Any], channel: Channel) -> int:
    """New contacts of a phone; of a mailbox it bounds all it sends (`_limits`)."""
    limit: int = row.get("daily_limit", HARD_LIMIT)
    return limit if channel is Channel.WHATSAPP else HARD_LIMIT


def _limits(
    row: Mapping[str, Any], where: str, channel: Channel, provider: str
) -> Limits:
    limits = {name: row.get(name) for name in Limits.names()}
    if channel is Channel.WHATSAPP:
        return Limits(**limits)
    if "daily_limit" in row and "total_per_day" in row:
        message = (
            f"{where}: daily_limit {row['daily_limit']} and total_per_day "
            f"{row['total_per_day']} are one thing for a mailbox: leave one out"
        )
        raise Misconfigured(message)
    total = row.get("total_per_day", row.get("daily_limit"))
    usual = mails_per_day(channel, provider)
    limits["total_per_day"] = usual if total is None else total
    return Limits(**limits)
