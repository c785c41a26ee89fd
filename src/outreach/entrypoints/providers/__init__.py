"""The providers that are built in, a module for each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from outreach.entrypoints.providers.baileys import BAILEYS
from outreach.entrypoints.providers.instantly import INSTANTLY
from outreach.entrypoints.providers.provider import USER_AGENT, Provider, Signs
from outreach.entrypoints.providers.resend import RESEND
from outreach.entrypoints.providers.timelinesai import TIMELINESAI
from outreach.entrypoints.settings import Settings

__all__ = ["PROVIDERS", "USER_AGENT", "Provider", "Signs", "as_set"]

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {one.name: one for one in (TIMELINESAI, INSTANTLY, RESEND, BAILEYS)}
)
"""By name. Each has a settings table of its name."""


def as_set(settings: Settings) -> Mapping[str, Provider]:
    """The same, as the tables of *settings* make them."""
    return {
        name: one if one.as_set is None else one.as_set(getattr(settings, name))
        for name, one in PROVIDERS.items()
    }
