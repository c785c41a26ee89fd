"""Senders as rows, for `status`, `phones list` and `mailboxes list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import asdict, frozen

from outreach.domain.channel import Channel
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import Sender
from outreach.entrypoints.cli.screen import local, table
from outreach.ports.senders import SenderUse

__all__ = ["MAILBOXES", "PHONES", "Rows", "named", "plain_sender", "show_senders"]


@frozen
class Rows:
    """Phones, or senders of mail: accounts whose vendor picks the mailbox too."""

    one: str
    many: str

    def has(self, sender: Sender | NewSender) -> bool:
        """Whether that sender is one of them."""
        return (sender.channel is Channel.WHATSAPP) == (self is PHONES)


PHONES: Final = Rows("phone", "phones")
MAILBOXES: Final = Rows("mailbox", "mailboxes")


def named(sender: Sender) -> dict[str, str]:
    """Its number or address, for JSON, under the name of what it is."""
    kind = PHONES if PHONES.has(sender) else MAILBOXES
    return {kind.one: sender.number}


def plain_sender(use: SenderUse) -> dict[str, Any]:
    """For JSON."""
    sender = use.sender
    return {
        "id": sender.id,
        **named(sender),
        "channel": sender.channel,
        "label": sender.label,
        "provider": sender.provider,
        "state": sender.state,
        "state_reason": sender.state_reason,
        "until": sender.until,
        "enabled": sender.enabled,
        "time_zone": sender.time_zone,
        **(_of_phone(use) if PHONES.has(sender) else _of_mailbox(use)),
        "further_limits": {
            name: limit
            for name, limit in asdict(sender.limits).items()
            if limit is not None
        },
        "waiting": use.waiting,
        "next_send": use.next_wake,
    }


def _of_phone(use: SenderUse) -> dict[str, Any]:
    return {
        "daily_limit": use.sender.daily_limit,
        "limit_today": use.limit,
        "new_today": use.day_new,
        "by_hand_today": use.external,
        "followups_today": use.day_followups,
    }


def _of_mailbox(use: SenderUse) -> dict[str, Any]:
    return {"sent_today": _sent(use), "most_today": use.total}


def _sent(use: SenderUse) -> int:
    return use.day_new + use.day_followups


def show_senders(kind: Rows, uses: Sequence[SenderUse], zone: str) -> None:
    """A table of one kind; *today* is the use against the limit."""
    if kind is PHONES:
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
        return
    table(
        "Mailboxes",
        ("mailbox", "channel", "state", "#sent today", "#waiting", "next send"),
        [
            (
                use.sender.number,
                use.sender.channel,
                _state(use),
                _of_total(use),
                use.waiting,
                local(use.next_wake, zone),
            )
            for use in uses
        ],
    )


def _of_total(use: SenderUse) -> str:
    if use.total is None:
        return str(_sent(use))
    warming = "" if use.total == use.sender.limits.total_per_day else ", warming up"
    return f"{_sent(use)} of {use.total}{warming}"


def _state(use: SenderUse) -> str:
    sender = use.sender
    state = str(sender.state) if sender.enabled else "disabled"
    why = sender.state_reason
    return f"{state}: {why}" if why and state not in {"ACTIVE", "WARMING"} else state
