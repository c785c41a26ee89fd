"""Phones as rows, for `status` and `phones list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import asdict

from outreach.entrypoints.cli.screen import local, table
from outreach.ports.senders import SenderUse

__all__ = ["plain_phone", "show_phones"]


def plain_phone(use: SenderUse) -> dict[str, Any]:
    """For JSON."""
    sender = use.sender
    return {
        "id": sender.id,
        "phone": sender.number,
        "label": sender.label,
        "provider": sender.provider,
        "state": sender.state,
        "state_reason": sender.state_reason,
        "until": sender.until,
        "enabled": sender.enabled,
        "time_zone": sender.time_zone,
        "daily_limit": sender.daily_limit,
        "limit_today": use.limit,
        "further_limits": {
            name: limit
            for name, limit in asdict(sender.limits).items()
            if limit is not None
        },
        "new_today": use.day_new,
        "by_hand_today": use.external,
        "followups_today": use.day_followups,
        "waiting": use.waiting,
        "next_send": use.next_wake,
    }


def show_phones(uses: Sequence[SenderUse], zone: str) -> None:
    """A table; *new* is today's use against today's limit."""
    table(
        "Phones",
        ("phone", "state", "#new today", "#follow-ups", "#waiting", "next send"),
        [
            (
                use.sender.number,
                _state(use),
                f"{use.day_new + use.external} of {use.limit}",
                use.day_followups,
                use.waiting,
                local(use.next_wake, zone),
            )
            for use in uses
        ],
    )


def _state(use: SenderUse) -> str:
    sender = use.sender
    state = str(sender.state) if sender.enabled else "disabled"
    why = sender.state_reason
    return f"{state}: {why}" if why and state not in {"ACTIVE", "WARMING"} else state
