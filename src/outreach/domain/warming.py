"""How much a sender may do while it warms up, beside new contacts of a phone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import evolve

from outreach.domain.budget import ramped
from outreach.domain.channel import Channel
from outreach.domain.limits import Limits
from outreach.domain.sender import Sender
from outreach.domain.window import local_day

__all__ = ["MAIL_DAYS", "MAIL_START", "PHONE_START", "limits_at"]

MAIL_DAYS: Final = 14
"""Of a mailbox on a domain that is new."""
MAIL_START: Final = 5
"""Mails of a mailbox on the first of those days."""
PHONE_START: Final = 15
"""New contacts of a phone on the first day of its warm-up."""


def limits_at(sender: Sender, at: datetime) -> Limits:
    """The sender's further budgets on its day at *at*.

    A phone warms up by its new contacts (`effective_limit`), a mailbox by all that it
    sends: its total grows from the start to the limit, at least 1.
    """
    limits = sender.limits
    total = limits.total_per_day
    if sender.warm_up is None or total is None or sender.channel is Channel.WHATSAPP:
        return limits
    today = ramped(total, sender.warm_up, local_day(at, sender.time_zone))
    return limits if today == total else evolve(limits, total_per_day=max(1, today))
