"""Rows of how well provider accounts serve, and of warm mail that went on."""

from __future__ import annotations

from attrs import Factory, define

from outreach.domain.health import Health
from outreach.domain.ids import AccountId
from outreach.domain.relay import PassedOn

__all__ = ["RelayedRows"]


@define(eq=False)
class RelayedRows:
    """What is kept of them all.

    Attributes:
        health: of each account that was ever not well.
        passed: messages that left their sender, in the order of time.
    """

    health: dict[AccountId, Health] = Factory(dict)
    passed: list[PassedOn] = Factory(list)
