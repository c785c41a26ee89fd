"""``outreach suppress``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.lead import Email, Phone
from outreach.domain.suppression import Suppression, SuppressionReason
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import FILE, by_option, command, json_option
from outreach.entrypoints.cli.screen import print_json, say
from outreach.entrypoints.engine import Engine
from outreach.ports.contacts import Contacts

__all__ = ["suppress"]

_REASONS: Final = ("OPT_OUT", "COMPLAINT", "BOUNCE", "PERSON")
_DOMAIN: Final = re.compile(r"@?((?:[\w-]+\.)+[^\W\d_]{2,})")
_SHOWN: Final = 5


class _Asked(TypedDict):
    addresses: tuple[str, ...]
    file: Path | None
    reason: str
    everywhere: bool
    by: str
    as_json: bool


@command(
    "suppress",
    example="""\
outreach suppress +40712345678 --reason OPT_OUT
outreach suppress ana@example.com @example.org --everywhere
outreach suppress --file do-not-contact.txt""",
)
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--file", type=FILE, help="A file with one address per line.")
@click.option(
    "--reason",
    type=click.Choice(_REASONS, case_sensitive=False),
    default="PERSON",
    show_default=True,
    help="OPT_OUT and COMPLAINT also opt out the leads that have the address.",
)
@click.option("--everywhere", is_flag=True, help="For all tenants.")
@by_option
@json_option
@click.pass_obj
def suppress(given: Given, **asked: Unpack[_Asked]) -> None:
    """Never contact these addresses again, and cancel what waits for them.

    An ADDRESS is a phone in any writing, an e-mail address or a domain
    (@example.org). One that cannot be read is named, and then nothing is stored.
    """
    words = [*asked["addresses"], *_lines(asked["file"])]
    if not words:
        message = "give an ADDRESS, or --file with one per line"
        raise click.UsageError(message)

    async def work(engine: Engine) -> tuple[int, int]:
        region = engine.settings.tenant.country
        keys = _keys(words, engine.container.contacts(), region)
        at = await engine.container.clock().now()
        reason = SuppressionReason(asked["reason"])
        new = await engine.container.switches().suppress(
            engine.tenant,
            [
                Suppression(key, reason, asked["by"], at, asked["everywhere"])
                for key in keys
            ],
        )
        return new, len(keys)

    new, count = with_engine(given, work)
    if asked["as_json"]:
        print_json({"addresses": count, "new": new, "known": count - new})
    else:
        say(f"{count} addresses suppressed, {new} of them new")


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{file} is no text in UTF-8: save it as such"
        raise click.BadParameter(message, param_hint="--file") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _keys(
    words: Sequence[str], contacts: Contacts, region: str
) -> tuple[AddressKey, ...]:
    found: dict[AddressKey, None] = {}
    unread: list[str] = []
    for text in words:
        key = _key(text, contacts, region)
        if key is None:
            unread.append(text)
        else:
            found[key] = None
    if unread:
        named = ", ".join(repr(text) for text in unread[:_SHOWN])
        more = f" and {len(unread) - _SHOWN} more" if len(unread) > _SHOWN else ""
        message = (
            f"{named}{more}: no phone, no e-mail address and no domain; "
            "correct or leave out, nothing was stored"
        )
        raise click.BadParameter(message, param_hint="ADDRESS")
    return tuple(found)


def _key(text: str, contacts: Contacts, region: str) -> AddressKey | None:
    domain = _DOMAIN.fullmatch(text)
    if domain is not None:
        # Read as the domain of an address, so that it is written the same way.
        read = contacts.email(f"someone@{domain[1]}")
        if isinstance(read, Email):
            return AddressKey(AddressKind.DOMAIN, read.address.rpartition("@")[2])
        return AddressKey(AddressKind.DOMAIN, domain[1].casefold())
    if "@" in text:
        email = contacts.email(text)
        if isinstance(email, Email):
            return AddressKey(AddressKind.EMAIL, email.address)
        return None
    phone = contacts.phone(text, region=region)
    return (
        AddressKey(AddressKind.PHONE, phone.e164) if isinstance(phone, Phone) else None
    )
