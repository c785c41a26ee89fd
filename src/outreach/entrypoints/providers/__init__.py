"""The providers that an engine knows: those that are built in, a module for each, and
those that other packages bring.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from outreach.entrypoints.providers.baileys import BAILEYS
from outreach.entrypoints.providers.instantly import INSTANTLY
from outreach.entrypoints.providers.known import Known
from outreach.entrypoints.providers.provider import USER_AGENT, House, Provider, Signs
from outreach.entrypoints.providers.resend import RESEND
from outreach.entrypoints.providers.sendgrid import SENDGRID
from outreach.entrypoints.providers.ses import SES
from outreach.entrypoints.providers.smtp import SMTP
from outreach.entrypoints.providers.timelinesai import TIMELINESAI
from outreach.entrypoints.providers.wamm import WAMM
from outreach.entrypoints.settings import Settings

__all__ = ["PROVIDERS", "USER_AGENT", "House", "Provider", "Signs", "as_set"]

PROVIDERS: Final = Known(
    (TIMELINESAI, BAILEYS, WAMM, INSTANTLY, SMTP, RESEND, SES, SENDGRID)
)
"""By name. Each that is built in has a settings table of its name."""


def as_set(settings: Settings) -> Mapping[str, Provider]:
    """The same, as the tables of *settings* make them."""
    return {
        name: one if one.as_set is None else one.as_set(settings.table(name))
        for name, one in PROVIDERS.items()
    }
