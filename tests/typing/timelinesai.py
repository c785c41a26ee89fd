"""Read by mypy only: TimelinesAI fits its ports."""

from __future__ import annotations

from outreach.adapters.timelinesai import TimelinesGateway, TimelinesReader
from outreach.ports.gateway import (
    Gateway,
    ListsAccounts,
    LooksUp,
    PollsStatus,
    Reads,
    ReceivesWebhooks,
    TellsUse,
)
from outreach.ports.history import TellsHistory


def sends(
    one: TimelinesGateway,
) -> tuple[Gateway, LooksUp, PollsStatus, ListsAccounts, TellsUse, ReceivesWebhooks]:
    return one, one, one, one, one, one


def reads(one: TimelinesReader) -> Reads:
    return one


def tells_history(one: TimelinesGateway) -> TellsHistory:
    return one
