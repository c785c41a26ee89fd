"""``outreach enroll``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, Unpack

import click

from outreach.domain.sequence import MessageTemplate, Override, Sequence
from outreach.domain.usecases.enroll import Enrolled
from outreach.entrypoints.campaign_file import read_campaign
from outreach.entrypoints.capacity import Fit, fit
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import (
    by_option,
    command,
    is_file,
    json_option,
    override_option,
    words,
)
from outreach.entrypoints.cli.screen import Meter, note, print_json, say, table
from outreach.entrypoints.engine import Engine

__all__ = ["enroll"]

_Texts = tuple[MessageTemplate, ...]


class _Asked(TypedDict):
    sequence: str
    name: str | None
    stop_rate: float | None
    override_capacity: str | None
    by: str
    as_json: bool


@command(
    "enroll",
    example="""\
outreach enroll --sequence sequence.toml
outreach enroll --sequence "Spring offer" --name "Spring offer, Cluj" --json""",
)
@click.option(
    "--sequence",
    required=True,
    metavar="FILE|NAME",
    help="A sequence file, or the name of a sequence that is stored.",
)
@click.option(
    "--name", metavar="CAMPAIGN", help="Of this batch; else that of the sequence."
)
@click.option(
    "--stop-rate",
    type=click.FloatRange(0, 1),
    help="Share of leads that stop at each touch, to reckon follow-ups with; else as "
    "it is set.",
)
@override_option
@by_option
@json_option
@click.pass_obj
def enroll(given: Given, **asked: Unpack[_Asked]) -> None:
    """Enrol every lead that fits in a sequence, each at most once per campaign.

    What the phones cannot keep up with is refused, with the rule that binds and the
    phones it would take.
    """
    wanted = asked["sequence"]
    campaign = read_campaign(Path(wanted)) if is_file(wanted) else None
    reason = words(asked["override_capacity"], "--override-capacity")
    override = None if reason is None else Override(reason, asked["by"])

    async def work(engine: Engine) -> tuple[Enrolled, Fit]:
        if campaign is not None:
            own = campaign.of(engine.tenant)
            steps, texts = own.sequence, own.templates
        else:
            store = engine.container.campaigns()
            steps, stored = await store.sequence(engine.tenant, wanted)
            texts = tuple(stored)
        room = await fit(engine, steps, stop_rate=asked["stop_rate"])
        recorded = room.overridden(override)
        if recorded is not None:
            note(f"{room.says()}. Enrolled anyway by {recorded.by}: {recorded.reason}")
        name = asked["name"] or steps.name
        done = await _enroll(engine, steps, texts, name, recorded, room.leads)
        return done, room

    enrolled, room = with_engine(given, work)
    if asked["as_json"]:
        print_json(_plain(enrolled, room, asked))
    else:
        _show(enrolled)


async def _enroll(
    engine: Engine,
    steps: Sequence,
    texts: _Texts,
    name: str,
    override: Override | None,
    leads: int,
) -> Enrolled:
    with Meter(f"enrolling in {name}") as meter:
        found: Enrolled = await engine.container.enroll()(
            engine.tenant,
            steps,
            texts,
            name=name,
            override=override,
            progress=lambda looked: meter(looked, leads),
        )
    await engine.bell.ring()
    return found


def _plain(enrolled: Enrolled, room: Fit, asked: _Asked) -> dict[str, Any]:
    return {
        "campaign": enrolled.campaign.name,
        "campaign_id": enrolled.campaign.id,
        "enrolled": enrolled.enrolled,
        "skipped": dict(enrolled.skipped),
        "warned": enrolled.warned,
        "capacity": {
            "fits": room.fits,
            "phones": room.phones,
            "phones_needed": None if room.plan is None else room.plan.senders_needed,
            "binding": None if room.plan is None else room.plan.binding,
            "overridden": None if room.fits else asked["override_capacity"],
        },
    }


def _show(enrolled: Enrolled) -> None:
    say(f"{enrolled.enrolled} leads enrolled in {enrolled.campaign.name}")
    if enrolled.skipped:
        rows = sorted(enrolled.skipped.items(), key=lambda item: -item[1])
        table("Skipped", ("reason", "#leads"), rows)
    if enrolled.warned:
        note(
            f"{enrolled.warned} of them have neither consent nor a legal basis that "
            "stands for it on record; their countries' policy is to warn"
        )
