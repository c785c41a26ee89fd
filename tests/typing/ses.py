"""Read by mypy only: the adapter of Amazon SES fits what it claims."""

from __future__ import annotations

from outreach.adapters.ses import SesGateway, SesReader, SnsSignatures
from outreach.ports.domains import ChecksDomains
from outreach.ports.gateway import Gateway, Reads, TakesBack, TellsUse
from outreach.ports.incoming import Authenticates, ConfirmsSubscriptions, LearnsKeys


def sends(one: SesGateway) -> tuple[Gateway, TakesBack, TellsUse, ChecksDomains]:
    return one, one, one, one


def takes_in(
    by: SnsSignatures,
) -> tuple[Reads, Authenticates, LearnsKeys, ConfirmsSubscriptions]:
    return SesReader(), by, by, by
