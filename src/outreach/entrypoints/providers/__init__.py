"""The providers that an engine knows: those that are built in, a module for each, and
those that other packages bring.
"""

from __future__ import annotations

from typing import Final

from outreach.entrypoints.providers.instantly import INSTANTLY
from outreach.entrypoints.providers.known import Known
from outreach.entrypoints.providers.provider import USER_AGENT, House, Provider, Signs
from outreach.entrypoints.providers.resend import RESEND
from outreach.entrypoints.providers.sendgrid import SENDGRID
from outreach.entrypoints.providers.ses import SES
from outreach.entrypoints.providers.smtp import SMTP
from outreach.entrypoints.providers.timelinesai import TIMELINESAI
from outreach.entrypoints.providers.wamm import WAMM

__all__ = ["PROVIDERS", "USER_AGENT", "House", "Provider", "Signs"]

PROVIDERS: Final = Known((TIMELINESAI, WAMM, INSTANTLY, SMTP, RESEND, SES, SENDGRID))
"""By name. Each that is built in has a settings table of its name."""
