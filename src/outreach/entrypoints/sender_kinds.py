"""What a sender of each channel and provider is, where a file does not say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from outreach.domain.channel import Channel
from outreach.domain.pacing import Pacing
from outreach.entrypoints.providers import PROVIDERS

__all__ = [
    "ANSWERING",
    "CARRIED",
    "PICKS_MAILBOX",
    "USUAL_PROVIDER",
    "mails_per_day",
    "pacing_of",
]

CARRIED: Final[Mapping[str, frozenset[Channel]]] = MappingProxyType(
    {
        # named by the specification, for files that are made ahead of their adapters
        "wamm": frozenset({Channel.WHATSAPP}),
        "smtp": frozenset({Channel.EMAIL_COLD}),
        "ses": frozenset({Channel.EMAIL_WARM}),
        "sendgrid": frozenset({Channel.EMAIL_WARM}),
        **{name: one.channels for name, one in PROVIDERS.items()},
    }
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
ANSWERING: Final = frozenset(
    ("smtp", *(name for name, one in PROVIDERS.items() if one.answers))
)
"""A person's answer may leave by the mailbox that the prospect has written to."""

_PACED_BY_VENDOR: Final = frozenset(
    ("ses", "sendgrid", *(name for name, one in PROVIDERS.items() if one.paces))
)
_MAILS_PER_DAY: Final = 50


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
