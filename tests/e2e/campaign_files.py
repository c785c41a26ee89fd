"""Small campaigns as files: leads, a sequence of two steps, phones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import frozen

__all__ = ["CampaignFiles", "step_of", "write_campaign"]

_MARKS: Final = {1: "cereale", 2: "revin"}
_SEQUENCE: Final = """\
[sequence]
name = "grain"
primary_channel = "WHATSAPP"

[[step]]
channel = "WHATSAPP"
delay = {{ hours = 0 }}
template = "first"

[[step]]
channel = "WHATSAPP"
delay = {{ minutes = {minutes} }}
template = "second"

[[template]]
name = "first"
channel = "WHATSAPP"
variables = [{{ name = "contact_name", default = "" }}]
content = "{{Bună ziua|Salut}}[, {{{{contact_name}}}}]! {{Depozităm|Cumpărăm}} \
cereale, {{vă|v-ar}} interesează? {{Scrieți|Răspundeți}} STOP dacă nu."

[[template]]
name = "second"
channel = "WHATSAPP"
content = "{{Bună ziua|Salut}} din nou, revin {{o singură dată|scurt}}: \
{{aveți|mai aveți}} {{loc|spațiu}} de depozitare? STOP dacă nu."

[[template]]
name = "reply-interested"
channel = "WHATSAPP"
language = "ro"
content = "{{Mulțumesc|Vă mulțumim}} pentru răspuns! {{Vă sună|Vă caută}} un coleg \
{{azi|mâine}}."
"""


@frozen
class CampaignFiles:
    """What `outreach run` is given.

    Attributes:
        numbers: of the leads, E.164.
        phones: of the senders, E.164.
        limit: new contacts that each phone may write to on a day.
    """

    leads: Path
    sequence: Path
    senders: Path
    numbers: tuple[str, ...]
    phones: tuple[str, ...]
    limit: int

    @property
    def options(self) -> list[str]:
        """For the command line."""
        return [
            *("--leads", str(self.leads)),
            *("--sequence", str(self.sequence)),
            *("--senders", str(self.senders)),
        ]


def write_campaign(
    folder: Path,
    *,
    leads: int,
    phones: int,
    limit: int,
    follow_up_minutes: int,
    seed: int = 0,
) -> CampaignFiles:
    """Write three files; the same ones for the same seed."""
    rng = Random(f"campaign {seed}")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = rng.sample(range(1_000_000, 9_999_999), leads + phones)
    numbers = tuple(f"+4072{number}" for number in drawn)
    files = CampaignFiles(
        leads=folder / "leads.csv",
        sequence=folder / "sequence.toml",
        senders=folder / "phones.toml",
        numbers=numbers[:leads],
        phones=numbers[leads:],
        limit=limit,
    )
    files.leads.write_text(_leads(files.numbers), encoding="utf-8")
    files.sequence.write_text(
        _SEQUENCE.format(minutes=follow_up_minutes), encoding="utf-8"
    )
    files.senders.write_text(_phones(files.phones, limit), encoding="utf-8")
    return files


def step_of(line: dict[str, Any]) -> int:
    """Which step of the sequence an accepted message is; 0: an answer of a person."""
    return next((step for step, mark in _MARKS.items() if mark in line["text"]), 0)


def _leads(numbers: Sequence[str]) -> str:
    rows = (
        f"Agro {place} SRL;0{number[3:]};{'Ana Țepeș' if place % 3 else ''}\n"
        for place, number in enumerate(numbers)
    )
    return "Denumire;Telefon;Persoană de contact\n" + "".join(rows)


def _phones(numbers: Sequence[str], limit: int) -> str:
    tables = (
        f'[[sender]]\nphone = "{number}"\nprovider = "timelinesai"\n'
        f'provider_account = "default"\ndaily_limit = {limit}\n'
        for number in numbers
    )
    return "\n".join(tables)
