"""P11: what a stored row costs, and that a long file needs no more memory.

Cost: the CPU time of this process, user and system, for importing a file of new leads
into PostgreSQL, against what phonenumbers and email-validator alone take to check the
number and the address of each of its rows; in turns (ABAB), each round over new rows.

Memory: `outreach leads import` itself, of a short and of a long file, each into an
empty database; the highest resident size the kernel saw (VmHWM).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import phonenumbers
from email_validator import validate_email
from tests.benchmarks.rows import Row
from tests.benchmarks.stage import Stage, open_stage

from outreach.adapters.contacts import LibraryContacts
from outreach.adapters.files import RejectsFile, open_table
from outreach.adapters.postgres.leads import PostgresLeads
from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.setup import tenant as find_tenant
from outreach.adapters.system import uuid7
from outreach.domain.ids import TenantId, tenant_id
from outreach.domain.lead_file import ImportId, ImportOptions
from outreach.domain.usecases.import_leads import ImportLeads

__all__ = ["BARS", "rows"]

BARS: Final = ("P11",)

COST_BAR: Final = 2.5
MEMORY_BAR: Final = 1.1
SHORT: Final = 10_000
PREFIXES: Final = ("72", "73", "74", "75", "76")

_COMMAND: Final = "from outreach.entrypoints.cli import main; main()"
_HEADERS: Final = "Denumire;CUI;Județ;Localitate;Telefon;E-mail;Persoană de contact\n"


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P11."""
    del only  # there is one bar
    rounds, size, long = (3, 2_000, 100_000) if quick else (5, 10_000, 1_000_000)
    with open_stage() as stage, tempfile.TemporaryDirectory() as folder:
        ours, libraries = _costs(stage, Path(folder), rounds=rounds, size=size)
        least = _peak_mb(stage, Path(folder), SHORT)
        most = _peak_mb(stage, Path(folder), long)
    return [
        Row(
            "P11",
            "import, CPU per stored row: over phonenumbers + email-validator",
            "us",
            ours=ours,
            peer=libraries,
            sense="at most",
            limit=COST_BAR,
        ),
        Row(
            "P11",
            f"import, peak memory: {long:,} rows over {SHORT:,}",
            "MB",
            ours=(most,),
            peer=(least,),
            sense="at most",
            limit=MEMORY_BAR,
        ),
    ]


def _costs(
    stage: Stage, folder: Path, *, rounds: int, size: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """CPU microseconds per row of each round: ours, the libraries."""
    url = stage.new_database()
    ours, libraries = [], []
    for number in range(rounds + 1):
        file = folder / f"{number}.csv"
        _write(file, range(number * size, (number + 1) * size))
        mine = asyncio.run(_import(url, file, size)) / size * 1e6
        theirs = _check(range(number * size, (number + 1) * size)) / size * 1e6
        file.unlink()
        if number:  # the first warms up
            ours.append(mine)
            libraries.append(theirs)
    return (*ours,), (*libraries,)


async def _import(url: str, file: Path, size: int) -> float:
    database = Database(url)
    await database.open()
    tenant = await _tenant(database)
    began = time.process_time()
    with open_table(file) as table:
        report = await ImportLeads(PostgresLeads(database), LibraryContacts())(
            tenant,
            table,
            run=ImportId(uuid7()),
            options=ImportOptions(region="RO", mapping={}),
            rejects=RejectsFile.beside(file),
        )
    used = time.process_time() - began
    await database.close()
    if report.imported != size:
        message = f"{report.imported} of {size} rows were imported"
        raise AssertionError(message)
    return used


async def _tenant(database: Database) -> TenantId:
    return await find_tenant(
        database,
        "default",
        time_zone="Europe/Bucharest",
        country="RO",
        language="ro",
        ids=lambda: tenant_id("default"),
    )


def _check(numbers: range) -> float:
    """CPU seconds of the libraries for the contacts of these rows."""
    contacts = [(_phone(number), _email(number)) for number in numbers]
    began = time.process_time()
    for phone, email in contacts:
        parsed = phonenumbers.parse(phone, "RO")
        if not phonenumbers.is_valid_number(parsed):
            raise AssertionError(phone)
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        validate_email(email, check_deliverability=False)
    return time.process_time() - began


def _peak_mb(stage: Stage, folder: Path, count: int) -> float:
    """The highest resident size of an import of so many rows, in 1,000,000 bytes."""
    file = folder / f"{count}-rows.csv"
    _write(file, range(count))
    url = stage.new_database()
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OUTREACH_DATABASE_URL": url,
        "OUTREACH_REDIS_URL": stage.redis_url,
    }
    command = (sys.executable, "-c", _COMMAND, "leads", "import", str(file), "--json")
    peak = 0.0
    with subprocess.Popen(
        command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while process.poll() is None:
            peak = max([peak, *_high_water(process.pid)])
            time.sleep(0.02)
        told = b"" if process.stdout is None else process.stdout.read()
        said = b"" if process.stderr is None else process.stderr.read()
    stage.drop(url)
    file.unlink()
    if process.returncode or f'"imported": {count},'.encode() not in told:
        raise RuntimeError(said.decode() or told.decode())
    return peak


def _high_water(pid: int) -> Iterator[float]:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM"):  # missing once it has ended
            yield int(line.split()[1]) * 1024 / 1e6


def _write(file: Path, numbers: range) -> None:
    """Rows as they come: each a company of its own, as national numbers."""
    with file.open("w", encoding="utf-8") as out:
        out.write(_HEADERS)
        out.writelines(
            f"Agro Câmpia {n} SRL;;Timiș;Lugoj;{_phone(n)};{_email(n)};Ion Pop {n}\n"
            for n in numbers
        )


def _phone(number: int) -> str:
    """A valid Romanian mobile number; there are 5,000,000 of them."""
    area, rest = divmod(number, 10_000_000 // len(PREFIXES))
    return f"0{PREFIXES[area]}{rest % 10} {rest // 10 % 1000:03} {rest // 10_000:03}"


def _email(number: int) -> str:
    return f"contact{number}@agro-campia{number % 5_000}.ro"
