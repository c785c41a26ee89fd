"""What the container makes by more than a class."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

from outreach.adapters.imap import PROVIDER as OWN_MAIL
from outreach.adapters.imap import MailReader
from outreach.adapters.system.links import LinksReader
from outreach.domain.link import PROVIDER
from outreach.domain.sla import ReviewCalendar
from outreach.entrypoints.providers import PROVIDERS
from outreach.entrypoints.settings import Settings
from outreach.ports.contacts import Contacts
from outreach.ports.gateway import Reads

__all__ = ["contacts", "readers", "reviewers", "wall"]


def reviewers(settings: Settings) -> ReviewCalendar:
    """When the default tenant's reviewers work."""
    hours = settings.tenant.reviews
    return ReviewCalendar(
        settings.tenant.time_zone,
        opens=hours.opens,
        closes=hours.closes,
        wall_clock=hours.wall_clock,
    )


def contacts() -> Contacts:
    """Loaded when first asked for: the plans of all numbers, which no worker needs."""
    library: Contacts = import_module("outreach.adapters.contacts").LibraryContacts()
    return library


def readers() -> dict[str, Reads]:
    """Of every provider's webhooks, and of the links in our own mail."""
    return {
        **{name: one.reader() for name, one in PROVIDERS.items() if one.reader},
        OWN_MAIL: MailReader(),
        PROVIDER: LinksReader(),
    }


def wall() -> datetime:
    return datetime.now(UTC)
