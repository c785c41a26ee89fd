"""``outreach campaigns``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from attrs import asdict, frozen

from outreach.domain.breaker import MailCounts, judged
from outreach.domain.provider_campaign import HostedCampaign
from outreach.domain.sequence import Campaign
from outreach.domain.suppression import Switch, breaker_of
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import local, print_json, say, table
from outreach.entrypoints.engine import Engine

__all__ = ["campaigns"]


@frozen
class _View:
    campaign: Campaign
    mail: MailCounts
    breaker: Switch | None
    hosted: Sequence[HostedCampaign]


@command(
    "campaigns",
    example="""\
outreach campaigns
outreach campaigns --campaign "Spring"
outreach campaigns --json""",
)
@click.option("--campaign", metavar="NAME", help="One campaign: name or id.")
@json_option
@click.pass_obj
def campaigns(given: Given, *, campaign: str | None, as_json: bool) -> None:
    """Show every campaign: its mail of the last seven days, its breaker, and the
    provider's own campaigns for it with what keeps them from sending.

    A breaker that is open is closed with outreach resume --campaign NAME, which
    starts the provider's campaigns again too.
    """

    async def work(engine: Engine) -> list[_View]:
        parts, tenant = engine.container, engine.tenant
        store = parts.campaigns()
        if campaign is None:
            wanted = list(await store.all(tenant))
        else:
            wanted = [await store.named(tenant, campaign)]
        switches = tuple(await parts.switches().thrown(tenant))
        return [
            _View(
                one,
                await store.mail(tenant, one.id),
                breaker_of(switches, one.id),
                await parts.hosted().of_campaign(tenant, one.id),
            )
            for one in wanted
        ]

    found = with_engine(given, work)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    table(
        "Campaigns",
        ("campaign", "#sent", "#bounced", "#complaints", "breaker"),
        [
            (
                one.campaign.name,
                one.mail.sent,
                one.mail.bounced,
                one.mail.complained,
                "closed" if one.breaker is None else f"OPEN: {one.breaker.reason}",
            )
            for one in found
        ],
    )
    zone = given.settings.tenant.time_zone
    for one in found:
        _show_hosted(one, zone)


def _show_hosted(view: _View, zone: str) -> None:
    if not view.hosted:
        return
    table(
        f"{view.campaign.name}, at its provider",
        ("step", "zones", "takes leads", "asked again", "provider's id"),
        [
            (
                one.number,
                ", ".join(one.window.zones),
                _takes(one),
                local(one.hosting.until, zone),
                one.hosting.ref or "none yet",
            )
            for one in view.hosted
        ],
    )
    if view.breaker is not None:
        say(judged(view.mail).says)


def _takes(one: HostedCampaign) -> str:
    hold = one.hosting.hold
    if one.hosting.takes_leads:
        return "yes" if hold is None else f"yes ({hold})"
    return f"no: {hold}" + (f", {one.hosting.says}" if one.hosting.says else "")


def _plain(view: _View) -> dict[str, Any]:
    return {
        "id": view.campaign.id,
        "name": view.campaign.name,
        "mail": asdict(view.mail),
        "breaker": None if view.breaker is None else asdict(view.breaker),
        "at_provider": [
            {
                "id": one.id,
                "step": one.number,
                "zones": one.window.zones,
                "takes_leads": one.hosting.takes_leads,
                **asdict(one.hosting),
            }
            for one in view.hosted
        ],
    }
