"""Where a world begins: phones, leads, and the campaign they are enrolled in."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from outreach.domain.channel import Channel
from outreach.domain.ids import SequenceId, StepId, TemplateId
from outreach.domain.lead import Email, NewLead, Phone
from outreach.domain.lead_file import ImportId
from outreach.domain.new_sender import NewSender
from outreach.domain.pacing import Pacing
from outreach.domain.sequence import MessageTemplate, Sequence, Step
from outreach.testing.invented import ACCOUNT, PROVIDER
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.weather import Weather

__all__ = [
    "CAMPAIGNS",
    "COLD",
    "RUN",
    "SPARE",
    "SPARE_BOX",
    "WARM",
    "WARM_BOX",
    "addresses_of",
    "boxes_of",
    "campaign",
    "mailers_of",
    "now",
    "numbers_of",
    "phones_of",
    "rows_of",
]

RUN: Final = ImportId(UUID(int=0xF))

CAMPAIGNS: Final = "instantly"
"""The provider that works by campaigns of its own; its account is one sender."""
COLD: Final = f"{CAMPAIGNS}/{ACCOUNT}"
WARM_BOX: Final = "resend"
WARM: Final = "ana@agro.ro"
SPARE_BOX: Final = "ses"
"""The provider that warm mail goes on to, in some worlds."""
SPARE: Final = "ana.ionescu@agro.ro"

_BY_VENDOR: Final = Pacing(timedelta(), timedelta())
_PHONE: Final = 740_000_000
_LEAD: Final = 721_000_000


def numbers_of(weather: Weather) -> tuple[str, ...]:
    """The leads' numbers."""
    return tuple(f"+40{_LEAD + n}" for n in range(weather.leads))


def phones_of(weather: Weather) -> list[NewSender]:
    """Each in the next of the zones."""
    zones = weather.phone_zones
    return [
        NewSender(
            number=f"+40{_PHONE + n}",
            provider=PROVIDER,
            time_zone=zones[n % len(zones)],
            provider_account=ACCOUNT,
            daily_limit=weather.limit,
        )
        for n in range(weather.phones)
    ]


def mailers_of(weather: Weather) -> list[NewSender]:
    """The account for cold mail, and the mailboxes for answers."""
    if weather.mail is None:
        return []
    return [
        NewSender(
            number=COLD,
            provider=CAMPAIGNS,
            time_zone=weather.phone_zones[0],
            channel=Channel.EMAIL_COLD,
            answers=weather.mail.answers,
            provider_account=ACCOUNT,
            pacing=_BY_VENDOR,
        ),
        *(
            NewSender(
                number=number,
                provider=provider,
                time_zone=weather.phone_zones[0],
                channel=Channel.EMAIL_WARM,
                provider_account=ACCOUNT,
                pacing=_BY_VENDOR,
            )
            for provider, number in boxes_of(weather.mail).items()
        ),
    ]


def boxes_of(mail: Mail) -> dict[str, str]:
    """Mailboxes of warm mail, by provider."""
    boxes = {WARM_BOX: WARM}
    return boxes | {SPARE_BOX: SPARE} if mail.spare else boxes


def addresses_of(weather: Weather) -> dict[int, str]:
    """The leads' mail addresses, by row."""
    if weather.mail is None:
        return {}
    numbered = range(0, weather.leads, 2)
    others = range(weather.leads, weather.leads + weather.mail.only)
    return {n: f"ion@firma{n}.ro" for n in (*numbered, *others)}


def rows_of(weather: Weather) -> list[NewLead]:
    """Leads with a number each; and, in a world with mail, some with an address."""
    zones = weather.lead_zones
    numbers, addresses = numbers_of(weather), addresses_of(weather)
    many = max([len(numbers), *(n + 1 for n in addresses)])
    return [
        NewLead(
            row=n,
            company_name=f"Agro {n} SRL",
            contact_name=f"Ion {n}",
            phones=tuple(
                Phone(number, "RO", (zones[n % len(zones)],), mobile=True)
                for number in numbers[n : n + 1]
            ),
            emails=(Email(addresses[n], role=False, country="RO"),)
            if n in addresses
            else (),
            cui=str(1000 + n),
            time_zone=zones[n % len(zones)],
            country="RO",
            language="ro",
        )
        for n in range(many)
    ]


def campaign(weather: Weather) -> tuple[Sequence, list[MessageTemplate]]:
    """The sequence that every lead gets, and its texts."""
    mail = weather.mail
    first = Channel.WHATSAPP if mail is None or not mail.first else Channel.EMAIL_COLD
    other = Channel.WHATSAPP if first is not Channel.WHATSAPP else Channel.EMAIL_COLD
    sequence = Sequence(
        id=SequenceId(UUID(int=0x5E0)),
        name="agri",
        primary_channel=first,
        fallback_channel=None if mail is None else other,
        steps=tuple(
            Step(
                id=StepId(UUID(int=0x57E0 + n)),
                number=n,
                channel=first,
                delay=timedelta(hours=weather.delay_h) if n > 1 else timedelta(),
                template=f"agri-{n}",
                fallback_template=None if mail is None else f"agri-{n}-other",
            )
            for n in range(1, weather.steps + 1)
        ),
        silence=timedelta(hours=12),
    )
    texts = [
        MessageTemplate(
            id=TemplateId(UUID(int=0x7E0 + step.number + 0x10 * place)),
            name=name,
            channel=channel,
            content=f"{{{{company_name}}}}, pasul {step.number}",
            subject=""
            if channel is Channel.WHATSAPP
            else "{{company_name}}: o întrebare",
        )
        for step in sequence.steps
        for place, (channel, name) in enumerate(sequence.texts(step).items())
    ]
    return sequence, texts


def now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what suspends nowhere.

    Raises:
        RuntimeError: it suspended.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    message = "it suspended"
    raise RuntimeError(message)
