"""Read by mypy only: the adapter of SendGrid fits what it claims."""

from __future__ import annotations

from outreach.adapters.sendgrid import (
    SendGridGateway,
    SendGridReader,
    SendGridSignatures,
)
from outreach.ports.domains import ChecksDomains
from outreach.ports.gateway import Gateway, Reads, ReceivesWebhooks, TakesBack
from outreach.ports.incoming import Authenticates, Splits, Stamps


def sends(one: SendGridGateway) -> tuple[Gateway, TakesBack, ChecksDomains]:
    return one, one, one


def takes_in(
    one: SendGridGateway, by: SendGridSignatures
) -> tuple[ReceivesWebhooks, Reads, Splits, Authenticates, Stamps]:
    return one, SendGridReader(), SendGridReader(), by, by
