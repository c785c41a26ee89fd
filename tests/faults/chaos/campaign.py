"""What is sent in a chaos run: leads, three steps, phones in two time zones.

The midnight of phones in Auckland is early afternoon in Bucharest (13:00 in winter), so
that a quota day ends in the middle of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from attrs import field, frozen
from tests.faults.chaos import mails

from outreach.domain.sequence import Override
from outreach.entrypoints.intake import Files

__all__ = ["STEPS", "THREE_CHANNELS", "Campaign", "Plan", "step_of", "write"]

STEPS: Final = {1: "cereale", 2: "revin", 3: "ultima"}
"""A word of each step's text, which stands in no other's."""

_ZONES: Final = ("Europe/Bucharest", "Pacific/Auckland")
_SEQUENCE: Final = """\
[sequence]
name = "chaos"
primary_channel = "WHATSAPP"

[[step]]
channel = "WHATSAPP"
delay = { hours = 0 }
template = "first"

[[step]]
channel = "WHATSAPP"
delay = { minutes = 3 }
template = "second"

[[step]]
channel = "WHATSAPP"
delay = { minutes = 5 }
template = "third"

[[template]]
name = "first"
channel = "WHATSAPP"
variables = [{ name = "contact_name", default = "" }]
content = "{Bună ziua|Salut}[, {{contact_name}}]! {Depozităm|Cumpărăm} cereale, \
{vă|v-ar} interesează? {Scrieți|Răspundeți} STOP dacă nu."

[[template]]
name = "second"
channel = "WHATSAPP"
content = "{Bună ziua|Salut} din nou, revin {o dată|scurt}: {aveți|mai aveți} \
{loc|spațiu} de depozitare? STOP dacă nu."

[[template]]
name = "third"
channel = "WHATSAPP"
content = "{Bună ziua|Salut}, {e|aceasta e} ultima întrebare: {vindeți|mai vindeți} \
{grâu|porumb} anul acesta? STOP dacă nu."
"""


@frozen
class Plan:
    """How much there is to send.

    Attributes:
        limit: new contacts of a phone and day.
        jitter: of engine time, on top of the gap at most.
        mails: further leads, who have an address and no number; with them each lead
            has an address, and every step a mail that stands in for its message.
        mailboxes: of the vendor of cold mail, who leaves ten minutes between two mails
            of each.
        spoiled: leads of a campaign of its own, many of whose addresses are dead.
    """

    leads: int = 200
    phones: int = 24
    limit: int = 4
    jitter: timedelta = timedelta(seconds=10)
    seed: int = 0
    mails: int = 0
    mailboxes: int = 80
    spoiled: int = 0


THREE_CHANNELS: Final = Plan(leads=50, phones=8, mails=60, spoiled=90)


@frozen
class Campaign:
    """Files to take in, and what is in them.

    Attributes:
        zones: by phone.
        override: of capacity, where phones only hear and write to nobody new.
        people: who it is, by number and by address.
        spoiled: the other campaign, which is taken in before this one.
        mailboxes: of the vendor that picks one for each cold mail.
        domains: that are verified at the vendor of warm mail.
    """

    data_dir: Path
    leads: Path
    sequence: Path
    senders: Path
    numbers: tuple[str, ...]
    zones: dict[str, str]
    limit: int
    override: Override | None = None
    people: Mapping[str, int] = field(factory=dict)
    spoiled: Files | None = None
    mailboxes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


def step_of(text: str) -> int:
    """Which step a text is of; 0: none."""
    return next((step for step, word in STEPS.items() if word in text), 0)


def write(folder: Path, plan: Plan) -> Campaign:
    """Write the files; the same ones for the same plan."""
    rng = Random(f"campaign {plan.seed}")
    drawn = rng.sample(range(1_000_000, 9_999_999), plan.leads + plan.phones)
    numbers = [f"+4072{number}" for number in drawn]
    people, phones = numbers[: plan.leads], numbers[plan.leads :]
    zones = {phone: _ZONES[place % 2] for place, phone in enumerate(phones)}
    campaign = Campaign(
        data_dir=folder,
        leads=folder / "leads.csv",
        sequence=folder / "sequence.toml",
        senders=folder / "phones.toml",
        numbers=tuple(people),
        zones=zones,
        limit=plan.limit,
        override=_override(plan),
    )
    rows = [_row(place, f"0{number[3:]}") for place, number in enumerate(people)]
    head = "Denumire;Telefon;Persoană de contact\n"
    senders = [_phone(phone, zone, plan.limit) for phone, zone in zones.items()]
    sequence = _SEQUENCE
    if plan.mails:
        campaign = mails.extended(campaign, plan)
        head = mails.HEAD
        new = range(plan.leads, plan.leads + plan.mails)
        rows += [_row(place, "") for place in new]
        rows = [mails.row(row, mails.address(n)) for n, row in enumerate(rows)]
        senders += mails.SENDERS
        sequence = mails.sequence(_SEQUENCE)
    lines = "".join(f"{row}\n" for row in rows)
    campaign.leads.write_text(head + lines, encoding="utf-8")
    campaign.sequence.write_text(sequence, encoding="utf-8")
    campaign.senders.write_text("\n".join(senders), encoding="utf-8")
    return campaign


def _override(plan: Plan) -> Override | None:
    """Phones that write to nobody new, or that share the leads with mail, are few."""
    if plan.mails:
        return Override("many of the leads go by mail", "chaos")
    return None if plan.limit else Override("only replies are heard", "chaos")


def _row(place: int, number: str) -> str:
    return f"Agro {place} SRL;{number};{'Ana Țepeș' if place % 3 else ''}"


def _phone(phone: str, zone: str, limit: int) -> str:
    return (
        f'[[sender]]\nphone = "{phone}"\nprovider = "timelinesai"\n'
        f'provider_account = "default"\ndaily_limit = {limit}\n'
        f'time_zone = "{zone}"\n'
    )
