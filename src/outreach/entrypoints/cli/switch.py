"""``outreach stop`` and ``outreach resume``: the kill switches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypedDict, Unpack

import click
from attrs import asdict

from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound
from outreach.domain.suppression import RESTORED, Switch, SwitchScope, way_out
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import by_option, command, json_option
from outreach.entrypoints.cli.screen import print_json, say
from outreach.entrypoints.engine import Engine

__all__ = ["resume", "stop"]

_ALL: Final = (
    "Covers everything, of all tenants, unless one of --tenant, --channel, --sender "
    "and --campaign narrows it."
)


class _Asked(TypedDict):
    tenant: bool
    channel: str | None
    sender: str | None
    campaign: str | None
    reason: str
    by: str
    as_json: bool


def _scope_options(wanted: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--reason", required=True, help="For the record."),
        click.option(
            "--campaign", metavar="NAME", help="One campaign (its breaker): name, id."
        ),
        click.option("--sender", metavar="PHONE", help="One phone: id, number, label."),
        click.option(
            "--channel",
            type=click.Choice([str(one) for one in Channel], case_sensitive=False),
            help="One channel.",
        ),
        click.option("--tenant", is_flag=True, help="This tenant."),
    ):
        wanted = option(wanted)
    return wanted


@command(
    "stop",
    example="""\
outreach stop --reason "wrong price in the offer"
outreach stop --channel WHATSAPP --reason "complaints"
outreach stop --sender +40712345678 --reason "odd answers\"""",
)
@_scope_options
@by_option
@json_option
@click.pass_obj
def stop(given: Given, **asked: Unpack[_Asked]) -> None:
    """Stop sending, within a second, in every worker.

    Covers everything, of all tenants, unless one of --tenant, --channel, --sender and
    --campaign narrows it. Calls under way end. Nothing is lost: it goes on after
    outreach resume with the same scope.
    """
    scope = _scope(asked)

    async def work(engine: Engine) -> Switch:
        of = await _of(engine, scope, asked)
        thrown: Switch = await engine.container.switches().throw(
            engine.tenant, scope, of, reason=asked["reason"], by=asked["by"]
        )
        return thrown

    thrown = with_engine(given, work)
    if asked["as_json"]:
        print_json(asdict(thrown))
    else:
        say(f"Stopped: {_named(scope, thrown.of)}, by {thrown.by}: {thrown.reason}")


@command(
    "resume",
    example="""\
outreach resume --reason "offer corrected"
outreach resume --channel WHATSAPP --reason "complaints answered"
outreach resume --campaign "Spring" --reason "list cleaned\"""",
)
@_scope_options
@by_option
@json_option
@click.pass_obj
def resume(given: Given, **asked: Unpack[_Asked]) -> None:
    """Let go on what was stopped with the same scope.

    Covers everything, of all tenants, unless one of --tenant, --channel, --sender and
    --campaign narrows it. A breaker that opened by itself is closed with --campaign.
    What another scope still stops stays stopped, and is named.
    """
    scope = _scope(asked)

    async def work(engine: Engine) -> tuple[str, list[Switch]]:
        switches = engine.container.switches()
        of = await _of(engine, scope, asked)
        lifted = await switches.lift(
            engine.tenant, scope, of, reason=asked["reason"], by=asked["by"]
        )
        left = list(await switches.thrown(engine.tenant))
        if not lifted:
            message = f"{_named(scope, of)} was not stopped; stopped: {_listed(left)}"
            raise NotFound(message)
        await engine.bell.ring()
        return of, left

    of, left = with_engine(given, work)
    if asked["as_json"]:
        still = [asdict(one) for one in left]
        print_json({"scope": scope, "of": of, "still_stopped": still})
    else:
        say(f"Goes on: {_named(scope, of)}; still stopped: {_listed(left)}")


def _scope(asked: _Asked) -> SwitchScope:
    given = [
        scope
        for scope, value in (
            (SwitchScope.TENANT, asked["tenant"]),
            (SwitchScope.CHANNEL, asked["channel"]),
            (SwitchScope.SENDER, asked["sender"]),
            (SwitchScope.CAMPAIGN, asked["campaign"]),
        )
        if value
    ]
    if len(given) > 1:
        message = "give one of --tenant, --channel, --sender and --campaign, or none"
        raise click.UsageError(message)
    return given[0] if given else SwitchScope.ALL


async def _of(engine: Engine, scope: SwitchScope, asked: _Asked) -> str:
    if scope is SwitchScope.CHANNEL:
        return str(asked["channel"])
    if scope is SwitchScope.SENDER:
        senders = engine.container.senders()
        sender = await senders.get(engine.tenant, str(asked["sender"]))
        return str(sender.id)
    if scope is SwitchScope.CAMPAIGN:
        campaigns = engine.container.campaigns()
        named = await campaigns.named(engine.tenant, str(asked["campaign"]))
        return str(named.id)
    return ""


def _named(scope: SwitchScope, of: str) -> str:
    words: dict[SwitchScope, str] = {
        SwitchScope.ALL: "everything",
        SwitchScope.TENANT: "this tenant",
    }
    return words.get(scope, f"{scope.lower()} {of}".strip())


def _listed(switches: list[Switch]) -> str:
    return ", ".join(map(_listed_one, switches)) or "nothing"


def _listed_one(switch: Switch) -> str:
    named = _named(switch.scope, switch.of)
    return f"{named} ({way_out(switch)})" if switch.of == RESTORED else named
