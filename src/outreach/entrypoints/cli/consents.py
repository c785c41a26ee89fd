"""``outreach consents``: what people agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict, Unpack

import click
from attrs import frozen

from outreach.domain.channel import Channel
from outreach.domain.consent import Consent, ConsentKind
from outreach.domain.errors import Misconfigured
from outreach.domain.link import Link, LinkKind, spoken
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.lead_named import lead_named
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import (
    by_option,
    command,
    group,
    json_option,
    words,
)
from outreach.entrypoints.cli.screen import local, print_json, say, table
from outreach.entrypoints.engine import Engine

__all__ = ["consents"]

_CHANNELS: Final = ("EMAIL_COLD", "WHATSAPP")


class _Asked(TypedDict):
    lead: str
    channel: str
    text: str
    source: str
    proven: bool
    by: str
    as_json: bool


@frozen
class _Kept:
    """A consent, with the link that confirms it if it is not confirmed yet."""

    consent: Consent
    link: str = ""


@group("consents", example="outreach consents list ana@example.com")
def consents() -> None:
    """Record what people agreed to, and have it confirmed."""


def _channel_option(wanted: Any) -> Any:
    return click.option(
        "--channel",
        type=click.Choice(_CHANNELS, case_sensitive=False),
        default="EMAIL_COLD",
        show_default=True,
        help="What they agreed to be written to by.",
    )(wanted)


@command(
    "add",
    parent=consents,
    example="""\
outreach consents add ana@example.com --text "I agree to offers by e-mail" \\
    --source "web form, 3 March"
outreach consents add +40712345678 --channel WHATSAPP --proven \\
    --text "I agree to messages" --source "signed form 17, in the red folder\"""",
)
@click.argument("lead")
@_channel_option
@click.option("--text", required=True, help="What they agreed to, word by word.")
@click.option("--source", required=True, help="Where and how they were asked.")
@click.option(
    "--proven",
    is_flag=True,
    help="It needs no confirmation: --source names evidence such as a signed form.",
)
@by_option
@json_option
@click.pass_obj
def add(given: Given, /, **asked: Unpack[_Asked]) -> None:
    """Record that a lead was asked, and print the link that confirms it.

    LEAD is an id or its start, a phone, an address or a CUI. Give the link to the
    person together with the text, by a way they asked for: outreach itself sends no
    such message. Once they have followed it and pressed the button the consent counts;
    after 7 days it is too late.
    """
    text = words(asked["text"], "--text")
    source = words(asked["source"], "--source")
    kind = ConsentKind.PROVEN if asked["proven"] else ConsentKind.ASKED

    async def work(engine: Engine) -> _Kept:
        lead = await lead_named(engine, asked["lead"])
        consent: Consent = await engine.container.consents().add(
            engine.tenant,
            lead.id,
            Channel(asked["channel"]),
            kind,
            text=text or "",
            source=source or "",
            by=asked["by"],
        )
        return (await _with_links(engine, [consent]))[0]

    kept = with_engine(given, work)
    if asked["as_json"]:
        print_json(_plain(kept))
    elif kept.link:
        say(kept.link)
    else:
        say("the consent is on record, and counts")


@command("list", parent=consents, example="outreach consents list ana@example.com")
@click.argument("lead")
@json_option
@click.pass_obj
def list_(given: Given, *, lead: str, as_json: bool) -> None:
    """Show what a lead was asked, and what became of it."""
    found = with_engine(given, lambda engine: _all(engine, lead))
    if as_json:
        print_json([_plain(one) for one in found])
        return
    zone = given.settings.tenant.time_zone
    columns = ("channel", "asked", "stands", "text", "source", "by")
    table("Consents", columns, [_row(one.consent, zone) for one in found])


@command("link", parent=consents, example="outreach consents link ana@example.com")
@click.argument("lead")
@json_option
@click.pass_obj
def link(given: Given, *, lead: str, as_json: bool) -> None:
    """Print the links that would confirm what a lead has not confirmed yet."""
    found = with_engine(given, lambda engine: _all(engine, lead))
    pending = [one.link for one in found if one.link]
    if as_json:
        print_json(pending)
        return
    for one in pending:
        say(one)
    if not pending:
        say("nothing waits to be confirmed: outreach consents add asks anew")


@command(
    "withdraw",
    parent=consents,
    example="outreach consents withdraw ana@example.com --channel EMAIL_COLD",
)
@click.argument("lead")
@_channel_option
@by_option
@json_option
@click.pass_obj
def withdraw(given: Given, *, lead: str, channel: str, by: str, as_json: bool) -> None:
    """Have a lead's consents on a channel count no more; nothing begins there again.

    Who wants no message on any channel is for outreach suppress.
    """

    async def work(engine: Engine) -> int:
        found = await lead_named(engine, lead)
        ended: int = await engine.container.consents().withdraw(
            engine.tenant, found.id, Channel(channel), by=by
        )
        return ended

    ended = with_engine(given, work)
    if as_json:
        print_json({"withdrawn": ended})
    else:
        say(f"{ended} consents withdrawn")


async def _all(engine: Engine, lead: str) -> Sequence[_Kept]:
    found = await lead_named(engine, lead)
    kept = await engine.container.consents().of(engine.tenant, found.id)
    return await _with_links(engine, kept)


async def _with_links(engine: Engine, kept: Sequence[Consent]) -> list[_Kept]:
    parts, tenant = engine.container, engine.tenant
    now = await parts.clock().now()
    found = []
    for one in kept:
        url = ""
        if one.confirmed_at is None and one.confirmable(now):
            (known,) = await parts.journeys().load(tenant, [one.lead])
            kind = LinkKind.CONSENT
            said = Link(kind, tenant, one.lead, one.id, one.channel)
            url = parts.links().url(said, spoken(known.language))
            if not url:
                message = "links cannot be signed: set OUTREACH_SECRET_KEYS"
                raise Misconfigured(message)
        found.append(_Kept(one, url))
    return found


def _plain(kept: _Kept) -> dict[str, Any]:
    one = kept.consent
    return {
        "id": one.id,
        "lead": one.lead,
        "channel": one.channel,
        "kind": one.kind,
        "text": one.text,
        "source": one.source,
        "by": one.by,
        "asked_at": one.asked_at,
        "confirmed_at": one.confirmed_at,
        "withdrawn_at": one.withdrawn_at,
        "stands": one.stands,
        "link": kept.link or None,
    }


def _row(one: Consent, zone: str) -> tuple[str, ...]:
    stands = "yes" if one.stands else "not confirmed"
    if one.withdrawn_at is not None:
        stands = "withdrawn"
    asked = local(one.asked_at, zone)
    return (one.channel, asked, stands, one.text, one.source, one.by)
