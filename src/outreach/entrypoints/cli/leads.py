"""``outreach leads``: files of leads in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click
from attrs import define, evolve, field

from outreach.adapters.files import RejectsFile, open_table
from outreach.adapters.memory.leads import RehearsedLeads
from outreach.adapters.system import uuid7
from outreach.domain.lead_columns import FIELDS
from outreach.domain.lead_file import ImportId, ImportOptions, ImportReport, Rejected
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.lead_named import lead_named
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import (
    FILE,
    by_option,
    command,
    group,
    json_option,
    words,
)
from outreach.entrypoints.cli.screen import Meter, print_json, say, table
from outreach.entrypoints.engine import Engine
from outreach.ports.leads import Rejects

__all__ = ["leads"]

_SHOWN: Final = 15
_ROWS_NAMED: Final = 5


class _Asked(TypedDict):
    file: Path
    dry_run: bool
    columns: tuple[str, ...]
    region: str | None
    rejects: Path | None
    encoding: str
    delimiter: str
    as_json: bool


@group("leads", example="outreach leads import leads.csv")
def leads() -> None:
    """Import leads, and take a wrongly recorded bounce back."""


@command(
    "import",
    parent=leads,
    example="""\
outreach leads import leads.csv
outreach leads import leads.csv --dry-run --json
outreach leads import export.txt --map phone="Tel. mobil" --map company_name=#2""",
)
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Say what would happen, store nothing.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Take a field from this column (its header, or #3 for the third); for "
    "headers that do not tell. May be repeated.",
)
@click.option(
    "--region",
    metavar="XX",
    help="Country of numbers without a country code; else the tenant's.",
)
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where refused rows go; else NAME.rejects.csv beside the file. A dry run "
    "writes them only if this is given.",
)
@click.option("--encoding", default="", help="Of the file; else found by itself.")
@click.option("--delimiter", default="", help="Of the file; else found by itself.")
@json_option
@click.pass_obj
def import_(given: Given, **asked: Unpack[_Asked]) -> None:
    """Import a file of leads: CSV in any dialect, or JSON lines.

    A bad row never stops the good ones: it goes to the rejects file with its reason.
    Rows that mean the same lead are merged. The same file again changes nothing.
    """
    mapping = _mapping(asked["columns"])
    rejects = _rejects(asked)

    async def work(engine: Engine) -> ImportReport:
        return await _import(engine, asked, mapping, rejects)

    report = with_engine(given, work)
    reasons = rejects.counted()
    if asked["as_json"]:
        print_json(_plain(report, reasons, dry_run=asked["dry_run"]))
    else:
        _show(report, reasons, dry_run=asked["dry_run"])


@command(
    "unbounce",
    parent=leads,
    example='outreach leads unbounce ana@example.com --reason "our DNS was broken"',
)
@click.argument("lead")
@click.option("--reason", required=True, help="For the record.")
@by_option
@json_option
@click.pass_obj
def unbounce(given: Given, *, lead: str, reason: str, by: str, as_json: bool) -> None:
    """Take back that mail to a lead bounced: the fault was ours, or it has arrived.

    LEAD is an id or its start, a phone, an address or a CUI. Its address is valid
    again, its campaigns' counts are corrected, and it is where it was if nothing has
    happened since. A new run is yours to begin. A breaker that opened stays open until
    outreach resume --campaign.
    """
    why = words(reason, "--reason") or ""

    async def work(engine: Engine) -> int:
        found = await lead_named(engine, lead)
        undo = engine.container.take_back_bounce()
        count: int = await undo(engine.tenant, found.id, by=by, why=why)
        return count

    count = with_engine(given, work)
    if as_json:
        print_json({"taken_back": count})
    else:
        say(f"{count} bounces taken back")


def _mapping(given: Sequence[str]) -> Mapping[str, str]:
    """Field to column. Written the other way round it is understood, if it can be
    meant in one way only.
    """
    found: dict[str, str] = {}
    for text in given:
        left, mark, right = text.partition("=")
        name, column = left.strip(), right.strip()
        if mark and name not in FIELDS and column in FIELDS:
            name, column = column, name
        elif mark and column in FIELDS and name != column:
            message = (
                f"{text!r} can be read both ways: name the column by its position, "
                f"such as {name}=#3"
            )
            raise click.BadParameter(message, param_hint="--map")
        if not column or name not in FIELDS:
            message = (
                f"{text!r}: write FIELD=COLUMN, with one of the fields "
                f"{', '.join(sorted(FIELDS))}"
            )
            raise click.BadParameter(message, param_hint="--map")
        if name in found:
            message = f"{name} is given twice: {found[name]!r} and {column!r}"
            raise click.BadParameter(message, param_hint="--map")
        found[name] = column
    return found


@define
class _Counted:
    """Refused rows, counted by reason on their way to a file, if there is one."""

    file: RejectsFile | None
    _rows: dict[tuple[str, str], list[int]] = field(factory=dict, init=False)
    _times: Counter[tuple[str, str]] = field(factory=Counter, init=False)

    @property
    def path(self) -> str | None:
        return None if self.file is None else self.file.path

    def add(self, rejected: Rejected, columns: Sequence[str]) -> None:
        key = (rejected.column, rejected.reason)
        self._times[key] += 1
        rows = self._rows.setdefault(key, [])
        if len(rows) < _ROWS_NAMED:
            rows.append(rejected.row.number)
        if self.file is not None:
            self.file.add(rejected, columns)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()

    def counted(self) -> list[dict[str, Any]]:
        """Most frequent first, with the first few rows."""
        return [
            {"column": key[0], "reason": key[1], "count": n, "rows": self._rows[key]}
            for key, n in self._times.most_common()
        ]


def _rejects(asked: _Asked) -> _Counted:
    source, named = asked["file"], asked["rejects"]
    if named is not None:
        return _Counted(RejectsFile(named, source=source))
    return _Counted(None if asked["dry_run"] else RejectsFile.beside(source))


async def _import(
    engine: Engine, asked: _Asked, mapping: Mapping[str, str], rejects: _Counted
) -> ImportReport:
    parts = engine.container
    stored = parts.leads()
    taking = RehearsedLeads(stored) if asked["dry_run"] else stored
    sink: Rejects = rejects
    path = asked["file"]
    with (
        Meter(f"importing {path.name}") as meter,
        open_table(
            path,
            encoding=asked["encoding"],
            delimiter=asked["delimiter"],
            headers=mapping.values(),
            progress=meter,
        ) as rows,
    ):
        try:
            report: ImportReport = await parts.import_leads(leads=taking)(
                engine.tenant,
                rows,
                run=ImportId(uuid7()),
                options=ImportOptions(
                    region=asked["region"] or engine.settings.tenant.country,
                    mapping=mapping,
                ),
                rejects=sink,
            )
        finally:
            rejects.close()
    return evolve(report, rejects_file=rejects.path)


def _plain(
    report: ImportReport, reasons: Sequence[Mapping[str, Any]], *, dry_run: bool
) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "rows": report.rows,
        "imported": report.imported,
        "merged": report.merged,
        "unchanged": report.unchanged,
        "rejected": report.rejected,
        "rejects_file": report.rejects_file,
        "rejected_because": reasons,
        "warnings": [
            {
                "column": one.column,
                "reason": one.reason,
                "count": one.count,
                "rows": one.rows,
            }
            for one in report.warnings
        ],
        "columns": dict(report.columns),
        "custom_fields": dict(report.unknown_columns),
        "duplicate_columns": report.duplicate_columns,
        "notes": report.notes,
    }


def _show(
    report: ImportReport, reasons: Sequence[Mapping[str, Any]], *, dry_run: bool
) -> None:
    for line in report.notes:
        say(line)
    if report.unknown_columns:
        told = ", ".join(
            f"{header} -> {name}" for header, name in report.unknown_columns
        )
        say(f"Columns that became custom fields: {told}")
    for title, rows in (
        ("Rejected rows", [tuple(one.values()) for one in reasons]),
        (
            "Warnings",
            [(one.column, one.reason, one.count, one.rows) for one in report.warnings],
        ),
    ):
        if rows:
            shown = [
                (c or "-", why, n, _first(at, n)) for c, why, n, at in rows[:_SHOWN]
            ]
            table(title, ("column", "reason", "#rows", "which"), shown)
            if len(rows) > _SHOWN:
                say(f"... and {len(rows) - _SHOWN} more kinds; --json shows all")
    would = "would be " if dry_run else ""
    say(
        f"{report.rows} rows: {report.imported} {would}imported, "
        f"{report.merged} merged, {report.unchanged} unchanged, "
        f"{report.rejected} rejected"
        + (f" (see {report.rejects_file})" if report.rejects_file else "")
    )


def _first(rows: Sequence[int], count: int) -> str:
    more = ", ..." if count > len(rows) else ""
    return ", ".join(map(str, rows)) + more
