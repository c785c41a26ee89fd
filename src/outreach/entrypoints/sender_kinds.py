"""What a sender of each channel and provider is, where a file does not say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from outreach.domain.channel import Channel
from outreach.domain.pacing import Pacing
from outreach.entrypoints.providers import PROVIDERS
from outreach.entrypoints.settings import Settings

__all__ = [
    "ANSWERING",
    "BY_REF",
    "CARRIED",
    "PICKS_MAILBOX",
    "SIGNS_IN",
    "USUAL_PROVIDER",
    "mails_per_day",
    "pacing_of",
    "usual_providers",
]

CARRIED: Final[Mapping[str, frozenset[Channel]]] = MappingProxyType(
    {name: one.channels for name, one in PROVIDERS.items()}
)
"""Channels on which a sender of each provider may open conversations; a provider that
is not here (an adapter of one's own) may have senders of any.
"""
USUAL_PROVIDER: Final[Mapping[Channel, str]] = MappingProxyType(
    {
        Channel.WHATSAPP: "timelinesai",
        Channel.EMAIL_COLD: "instantly",
        Channel.EMAIL_WARM: "resend",
    }
)
PICKS_MAILBOX: Final = frozenset(
    name for name, one in PROVIDERS.items() if one.picks_mailbox
)
"""One account is one sender here: the vendor chooses the mailbox of each mail."""
BY_REF: Final = frozenset(name for name, one in PROVIDERS.items() if one.by_ref)
"""A sender of these must have an `account_ref`."""
ANSWERING: Final = frozenset(name for name, one in PROVIDERS.items() if one.answers)
"""A person's answer may leave by the mailbox that the prospect has written to."""

SIGNS_IN: Final = frozenset(name for name, one in PROVIDERS.items() if one.signs_in)
"""Each mailbox has a login, and begins slowly unless its file says that it is old."""

_PACED_BY_VENDOR: Final = frozenset(
    name for name, one in PROVIDERS.items() if one.paces
)
_MAILS_PER_DAY: Final = 50


def usual_providers(settings: Settings) -> Mapping[Channel, str]:
    """Of each channel; where that one has no credentials, the first one that has. Of
    phones the one that is set, if it is another than the usual one.
    """
    found = dict(USUAL_PROVIDER)
    wanted = settings.tenant.whatsapp_provider
    chosen = {Channel.WHATSAPP: wanted} if wanted != found[Channel.WHATSAPP] else {}
    for channel, usual in USUAL_PROVIDER.items():
        used = [
            name
            for name, one in PROVIDERS.items()
            if channel in one.channels and settings.table(name).is_set
        ]
        if used and usual not in used:
            found[channel] = used[0]
    return found | chosen


def pacing_of(channel: Channel, provider: str) -> Pacing:
    """Between two sends: a phone's own gap, 5 to 15 minutes of a mailbox, and none
    where the vendor paces.
    """
    if channel is Channel.WHATSAPP:
        return Pacing()
    if provider in _PACED_BY_VENDOR:
        return Pacing(timedelta(), timedelta())
    return Pacing(timedelta(minutes=5), timedelta(minutes=10))


def mails_per_day(channel: Channel, provider: str) -> int | None:
    """The total of a mailbox's day (SPEC: own pool); None: the vendor's plan bounds."""
    own = channel is not Channel.WHATSAPP and provider not in _PACED_BY_VENDOR
    return _MAILS_PER_DAY if own else None
