"""Leads, senders and a sequence from files, as a run or a command takes them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from outreach.adapters.files import RejectsFile, open_table
from outreach.domain.errors import NotFound
from outreach.domain.lead_columns import Columns
from outreach.domain.lead_file import (
    ImportId,
    ImportOptions,
    ImportReport,
    MissingColumns,
)
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import Sender
from outreach.domain.sequence import Override
from outreach.domain.usecases.enroll import Enrolled
from outreach.entrypoints.campaign_file import CampaignFile, read_campaign
from outreach.entrypoints.capacity import fit
from outreach.entrypoints.engine import Engine, logins_of
from outreach.entrypoints.sender_kinds import SIGNS_IN, usual_providers
from outreach.entrypoints.senders_file import read_senders
from outreach.ports.logins import Logins

__all__ = [
    "Files",
    "Intake",
    "enroll_file",
    "import_file",
    "load_files",
    "senders_file",
]

Tell = Callable[[str], None]


def _nobody(_: str) -> None:
    """There is nobody to tell."""


def _any(_: NewSender) -> bool:
    return True


class Files(Protocol):
    """The three files a run may be given, and the folder for what comes of them.

    `override`: who enrols although the phones cannot keep up, and why.
    """

    @property
    def data_dir(self) -> Path: ...
    @property
    def leads(self) -> Path | None: ...
    @property
    def sequence(self) -> Path | None: ...
    @property
    def senders(self) -> Path | None: ...
    @property
    def override(self) -> Override | None: ...


@frozen
class Intake:
    """What became of the files."""

    report: ImportReport | None
    enrolled: Enrolled | None
    senders: int

    def counts(self) -> dict[str, Any]:
        """For the summary."""
        report = self.report
        return {
            "rows": 0 if report is None else report.rows,
            "imported": 0 if report is None else report.imported,
            "merged": 0 if report is None else report.merged,
            "unchanged": 0 if report is None else report.unchanged,
            "rejected": 0 if report is None else report.rejected,
            "rejects_file": None if report is None else report.rejects_file,
            "senders": self.senders,
        }


async def load_files(engine: Engine, files: Files, tell: Tell) -> Intake:
    """Read every file first, so that a wrong one changes nothing; then store them.

    Raises:
        Misconfigured: a file is wrong; names it, the place and the way out.
        Refused: the phones cannot keep up with all leads; nobody is enrolled.
    """
    campaign = None if files.sequence is None else read_campaign(files.sequence)
    if files.leads is not None:
        _check_leads(files.leads)
    senders = 0
    if files.senders is not None:
        senders = await senders_file(engine, files.senders)
        tell(f"{senders} senders from {files.senders}")
    report = None
    if files.leads is not None:
        rejects = files.data_dir / f"{files.leads.stem}.rejects.csv"
        report = await import_file(engine, files.leads, rejects)
        tell(
            f"{report.rows} rows from {files.leads}: {report.imported} imported, "
            f"{report.merged} merged, {report.unchanged} unchanged, "
            f"{report.rejected} rejected"
            + (f" (see {report.rejects_file})" if report.rejects_file else "")
        )
    enrolled = None
    if campaign is not None:
        own = campaign.of(engine.tenant)
        enrolled = await enroll_file(engine, own, files.override, tell)
        skipped = ", ".join(f"{n} {why}" for why, n in sorted(enrolled.skipped.items()))
        tell(
            f"{enrolled.enrolled} enrolled"
            + (f"; skipped: {skipped}" if skipped else "")
        )
    return Intake(report, enrolled, senders)


def _check_leads(path: Path) -> None:
    with open_table(path) as table:
        try:
            Columns.of(table.columns)
        except MissingColumns as error:
            message = f"{path}: {error}"
            raise MissingColumns(message) from error


async def import_file(engine: Engine, path: Path, rejects_to: Path) -> ImportReport:
    """Import a file of leads for the default tenant; refused rows go to a file."""
    with open_table(path) as table, RejectsFile(rejects_to, source=path) as rejects:
        report: ImportReport = await engine.container.import_leads()(
            engine.tenant,
            table,
            run=ImportId(engine.container.ids()()),
            options=ImportOptions(region=engine.settings.tenant.country),
            rejects=rejects,
        )
    return report


async def senders_file(
    engine: Engine, path: Path, wanted: Callable[[NewSender], bool] = _any
) -> int:
    """Import a file of senders for the default tenant; those that are *wanted*."""
    tenant = engine.settings.tenant
    batch = read_senders(
        path,
        engine.container.contacts(),
        region=tenant.country,
        time_zone=tenant.time_zone,
        usual=usual_providers(engine.settings),
    )
    kept = [sender for sender in batch if wanted(sender)]
    logins = None
    if any(one.login is not None for one in kept):  # without keys nothing is stored
        logins = logins_of(engine.settings, engine.container, engine.tenant)
    made = await engine.container.senders().import_(engine.tenant, kept)
    if logins is not None:
        await _keep(logins, kept, made)
    for account in {one.account for one in made if one.provider in SIGNS_IN}:
        # Their domains may be new: they are looked at before anybody is written to.
        await engine.container.signal().have_checked(engine.tenant, account)
    return len(made)


async def _keep(
    logins: Logins, new: Sequence[NewSender], made: Sequence[Sender]
) -> None:
    """Sealed; a mailbox whose row names no login keeps what it has."""
    for one, sender in zip(new, made, strict=True):
        if one.login is not None:
            await logins.keep(sender.id, one.login)


async def enroll_file(
    engine: Engine,
    campaign: CampaignFile,
    override: Override | None,
    tell: Tell = _nobody,
) -> Enrolled:
    """Enrol every lead that fits in the file's sequence.

    Raises:
        Refused: the phones cannot keep up with all leads; nobody is enrolled.
    """
    recorded = None
    # What was enrolled before goes on, whatever has become of the phones since.
    if await _anybody_new(engine, campaign.sequence.name):
        room = await fit(engine, campaign.sequence)
        recorded = room.overridden(override)
        if recorded is not None:
            tell(f"{room.says()}. Enrolled anyway by {recorded.by}: {recorded.reason}")
    enrolled: Enrolled = await engine.container.enroll()(
        engine.tenant,
        campaign.sequence,
        campaign.templates,
        name=campaign.sequence.name,
        override=recorded,
    )
    return enrolled


async def _anybody_new(engine: Engine, name: str) -> bool:
    """There are leads that the campaign has not looked at."""
    campaigns = engine.container.campaigns()
    try:
        known = await campaigns.named(engine.tenant, name)
    except NotFound:
        return True
    return bool(await campaigns.enrollable(engine.tenant, known, None, 1))
