"""``outreach templates``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from outreach.adapters.files import open_table
from outreach.adapters.system import uuid7
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.lead import NewLead
from outreach.domain.lead_file import (
    ImportId,
    ImportOptions,
    Rejected,
    RowOutcome,
    Stored,
)
from outreach.domain.sequence import MessageTemplate
from outreach.domain.usecases.check_templates import CheckTemplates, TemplateReport
from outreach.entrypoints.campaign_file import read_campaign
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import (
    FILE,
    command,
    group,
    is_file,
    json_option,
)
from outreach.entrypoints.cli.screen import Meter, print_json, say, table
from outreach.entrypoints.cli.trials import pick, stats
from outreach.entrypoints.engine import Engine
from outreach.ports.leads import Leads

__all__ = ["templates"]

_PAGE = 500
_INTROS = {
    "MUST": "each message waits until its {{ai_intro}} is approved (outreach intros)",
    "MAY": "says its default until {{ai_intro}} is approved (outreach intros)",
}


@group("templates", example="outreach templates check sequence.toml")
def templates() -> None:
    """Check texts before anything is sent with them; compare their versions."""


templates.add_command(stats)
templates.add_command(pick)


@command(
    "check",
    parent=templates,
    example="""\
outreach templates check sequence.toml
outreach templates check sequence.toml --leads leads.csv
outreach templates check "Spring offer" --stored --json""",
)
@click.argument("sequence", metavar="FILE|NAME")
@click.option("--leads", type=FILE, metavar="FILE", help="Against a file of leads.")
@click.option("--stored", is_flag=True, help="Against all leads that are stored.")
@click.option(
    "--minimum",
    type=click.IntRange(min=1),
    help="Different texts a template must give; else as it is set (8).",
)
@json_option
@click.pass_obj
def check(
    given: Given,
    *,
    sequence: str,
    leads: Path | None,
    stored: bool,
    minimum: int | None,
    as_json: bool,
) -> None:
    """Say how many different texts each template gives and what is wrong with it; and
    which leads of a list would get no text, and why.

    Exits with 1 if anything is wrong. Nothing is stored.
    """
    if leads is not None and stored:
        message = "give --leads FILE or --stored, not both"
        raise click.UsageError(message)

    campaign = read_campaign(Path(sequence)) if is_file(sequence) else None

    async def work(engine: Engine) -> Sequence[TemplateReport]:
        texts: Sequence[MessageTemplate]
        if campaign is not None:
            steps, texts = campaign.sequence, campaign.templates
        else:
            store = engine.container.campaigns()
            steps, texts = await store.sequence(engine.tenant, sequence)
        checks: CheckTemplates = engine.container.check_templates()
        if minimum is not None:
            checks = engine.container.check_templates(minimum=minimum)
        reports = checks.texts(steps, texts)
        if leads is not None:
            await _against_file(engine, checks, reports, leads)
        elif stored:
            await _against_stored(engine, checks, reports)
        return reports

    reports = with_engine(given, work)
    if as_json:
        print_json([_plain(one) for one in reports])
    else:
        _show(reports)
    if not all(one.fits for one in reports):
        sys.exit(1)


@define
class _Passing:
    """Takes the leads of a file, looks at each, and keeps none."""

    checks: CheckTemplates
    reports: Sequence[TemplateReport]
    seen: int = field(default=0, init=False)

    async def store(
        self, _tenant: TenantId, batch: Sequence[NewLead], *, run: ImportId
    ) -> Sequence[Stored]:
        self.checks.leads(self.reports, [(f"row {one.row}", one) for one in batch])
        self.seen += len(batch)
        return [Stored(RowOutcome.IMPORTED, LeadId(run)) for _ in batch]


async def _against_file(
    engine: Engine,
    checks: CheckTemplates,
    reports: Sequence[TemplateReport],
    path: Path,
) -> None:
    passing = _Passing(checks, reports)
    with (
        Meter(f"checking {path.name}") as meter,
        open_table(path, progress=meter) as rows,
    ):
        await engine.container.import_leads(leads=passing)(
            engine.tenant,
            rows,
            run=ImportId(uuid7()),
            options=ImportOptions(region=engine.settings.tenant.country),
            rejects=_Nowhere(),
        )


class _Nowhere:
    """Rows that an import would refuse get no message at all."""

    path = None

    def add(self, rejected: Rejected, columns: Sequence[str]) -> None:
        """It is the import's to say."""


async def _against_stored(
    engine: Engine, checks: CheckTemplates, reports: Sequence[TemplateReport]
) -> None:
    store: Leads = engine.container.leads()
    total, after, seen = await store.count(engine.tenant), None, 0
    with Meter("checking leads") as meter:
        while page := await store.page(engine.tenant, after=after, limit=_PAGE):
            checks.leads(reports, [(str(one.id), one) for one in page])
            after, seen = page[-1].id, seen + len(page)
            meter(seen, total)


def _plain(one: TemplateReport) -> dict[str, Any]:
    return {
        "template": one.template.name,
        "version": one.template.label,
        "channel": one.template.channel,
        "variants": one.variants,
        "variants_without_optional": one.least,
        "problems": list(one.problems),
        "intro": one.intro,
        "leads": one.looked_at,
        "failed": [
            {"reason": why, "count": count, "leads": one.rows[why]}
            for why, count in one.failed.most_common()
        ],
    }


def _show(reports: Sequence[TemplateReport]) -> None:
    table(
        "Templates",
        ("template", "channel", "#texts", "#at least", "#leads", "#without a text"),
        [
            (
                one.template.called,
                one.template.channel,
                one.variants,
                one.least,
                one.looked_at,
                one.failed.total(),
            )
            for one in reports
        ],
    )
    for one in reports:
        for line in one.problems:
            say(f"{one.template.called}: {line}")
        if one.intro:
            say(f"{one.template.called}: {_INTROS[one.intro]}")
        for why, count in one.failed.most_common():
            named = ", ".join(one.rows[why]) + (
                ", ..." if count > len(one.rows[why]) else ""
            )
            say(f"{one.template.called}: {count} leads get no text ({named}): {why}")
    if all(one.fits for one in reports):
        say("Nothing is wrong.")
