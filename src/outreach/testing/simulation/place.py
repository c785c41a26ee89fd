"""Where a world begins: phones, leads, and the campaign they are enrolled in."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from outreach.domain.channel import Channel
from outreach.domain.ids import SequenceId, StepId, TemplateId
from outreach.domain.lead import NewLead, Phone
from outreach.domain.lead_file import ImportId
from outreach.domain.new_sender import NewSender
from outreach.domain.sequence import MessageTemplate, Sequence, Step
from outreach.testing.invented import ACCOUNT, PROVIDER
from outreach.testing.simulation.weather import Weather

__all__ = ["RUN", "campaign", "now", "numbers_of", "phones_of", "rows_of"]

RUN: Final = ImportId(UUID(int=0xF))

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


def rows_of(weather: Weather) -> list[NewLead]:
    """Leads with a number each."""
    zones = weather.lead_zones
    return [
        NewLead(
            row=n,
            company_name=f"Agro {n} SRL",
            contact_name=f"Ion {n}",
            phones=(Phone(number, "RO", (zones[n % len(zones)],), mobile=True),),
            emails=(),
            cui=str(1000 + n),
            time_zone=zones[n % len(zones)],
            country="RO",
            language="ro",
        )
        for n, number in enumerate(numbers_of(weather))
    ]


def campaign(weather: Weather) -> tuple[Sequence, list[MessageTemplate]]:
    """The sequence that every lead gets, and its texts."""
    sequence = Sequence(
        id=SequenceId(UUID(int=0x5E0)),
        name="agri",
        primary_channel=Channel.WHATSAPP,
        steps=tuple(
            Step(
                id=StepId(UUID(int=0x57E0 + n)),
                number=n,
                channel=Channel.WHATSAPP,
                delay=timedelta(hours=weather.delay_h) if n > 1 else timedelta(),
                template=f"agri-{n}",
            )
            for n in range(1, weather.steps + 1)
        ),
        silence=timedelta(hours=12),
    )
    texts = [
        MessageTemplate(
            id=TemplateId(UUID(int=0x7E0 + step.number)),
            name=step.template,
            channel=Channel.WHATSAPP,
            content=f"{{{{company_name}}}}, pasul {step.number}",
        )
        for step in sequence.steps
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
