"""What a chaos run adds for mail: addresses, texts, senders, a campaign that spoils."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from outreach.domain.sequence import Override

if TYPE_CHECKING:
    from tests.faults.chaos.campaign import Campaign, Plan

__all__ = [
    "HEAD",
    "SENDERS",
    "WARM",
    "Spoiled",
    "address",
    "extended",
    "row",
    "sequence",
]

_DOMAIN: Final = "chaos.example"
WARM: Final = (f"ana@{_DOMAIN}", f"ion@{_DOMAIN}")
HEAD: Final = "Denumire;Telefon;Persoană de contact;Email;Temei legal\n"
_DEAD_EACH: Final = 4
"""One in so many addresses of the spoiled campaign is dead."""

SENDERS: Final = [
    """[[sender]]
channel = "EMAIL_COLD"
label = "Cold"
provider = "instantly"
daily_limit = 1000
""",
    *(
        f"""[[sender]]
channel = "EMAIL_WARM"
address = "{one}"
provider = "resend"
daily_limit = 200
"""
        for one in WARM
    ),
]

_TEXTS: Final = """
[[template]]
name = "mail-{name}"
channel = "EMAIL_COLD"
subject = "{{Bună ziua|Salut|Bună}}, {{o întrebare|ceva}} {number}"
content = "{content}"
"""
_CONTENTS: Final = {
    "first": "{Bună ziua|Salut}! {Depozităm|Cumpărăm} cereale, {vă|v-ar} interesează?",
    "second": "{Bună ziua|Salut} din nou, revin {o dată|scurt}: {aveți|mai aveți} loc?",
    "third": "{Bună ziua|Salut}, {e|aceasta e} ultima: {vindeți|mai vindeți}?",
}

_SPOILED: Final = """\
[sequence]
name = "spoiled"
primary_channel = "EMAIL_COLD"
stop_on_bounce = true

[[step]]
channel = "EMAIL_COLD"
delay = { hours = 0 }
template = "mail-first"

[[step]]
channel = "EMAIL_COLD"
delay = { minutes = 8 }
template = "mail-second"

[[step]]
channel = "EMAIL_COLD"
delay = { minutes = 3 }
template = "mail-third"
"""


@frozen
class Spoiled:
    """Files of the campaign whose breaker opens; see `outreach.entrypoints.intake`."""

    data_dir: Path
    leads: Path
    sequence: Path
    senders: Path
    override: Override | None


def row(start: str, email: str) -> str:
    """A line of the leads file; here cold mail needs that they are customers."""
    return f"{start};{email};client existent"


def address(place: int) -> str:
    """Of a lead of the good campaign."""
    return f"ana{place}@firma{place}.example"


def extended(campaign: Campaign, plan: Plan) -> Campaign:
    """The same with mail, and with the spoiled campaign's files written."""
    folder = campaign.data_dir
    people = {number: place for place, number in enumerate(campaign.numbers)}
    people |= {address(n): n for n in range(plan.leads + plan.mails)}
    bad = [
        f"{'bounce' if n % _DEAD_EACH == 0 else 'eva'}{n}@spoiled{n}.example"
        for n in range(plan.spoiled)
    ]
    people |= {one: 1_000_000 + n for n, one in enumerate(bad)}
    more = Spoiled(
        folder,
        folder / "spoiled.csv",
        folder / "spoiled.toml",
        campaign.senders,
        campaign.override,
    )
    lines = "".join(row(f"Gol {n} SRL;;", one) + "\n" for n, one in enumerate(bad))
    more.leads.write_text(HEAD + lines, encoding="utf-8")
    more.sequence.write_text(_SPOILED + _texts(), encoding="utf-8")
    mailboxes = tuple(f"box{n}@cold{n}.example" for n in range(plan.mailboxes))
    return evolve(
        campaign,
        people=people,
        spoiled=more if plan.spoiled else None,
        mailboxes=mailboxes,
        domains=(_DOMAIN,),
    )


def sequence(text: str) -> str:
    """The same steps, each with a mail for who cannot be reached by telephone."""
    changed = text.replace(
        'primary_channel = "WHATSAPP"\n',
        'primary_channel = "WHATSAPP"\nfallback_channel = "EMAIL_COLD"\n',
    )
    for name in _CONTENTS:
        changed = changed.replace(
            f'template = "{name}"\n',
            f'template = "{name}"\nfallback_template = "mail-{name}"\n',
        )
    return changed + _texts()


def _texts() -> str:
    return "".join(
        _TEXTS.format(name=name, number=place, content=content)
        for place, (name, content) in enumerate(_CONTENTS.items(), start=1)
    )
