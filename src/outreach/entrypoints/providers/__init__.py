"""The providers that an engine knows: those that are built in, a module for each, and
those that other packages bring.
"""

from __future__ import annotations

from typing import Final

from outreach.entrypoints.providers.instantly import INSTANTLY
from outreach.entrypoints.providers.known import Known
from outreach.entrypoints.providers.provider import USER_AGENT, Provider, Signs
from outreach.entrypoints.providers.resend import RESEND
from outreach.entrypoints.providers.timelinesai import TIMELINESAI

__all__ = ["PROVIDERS", "USER_AGENT", "Provider", "Signs"]

PROVIDERS: Final = Known((TIMELINESAI, INSTANTLY, RESEND))
"""By name. Each that is built in has a settings table of its name."""
