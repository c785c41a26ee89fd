"""Rows of what provider accounts are allowed, and how far that is used."""

from __future__ import annotations

from datetime import datetime

from attrs import Factory, define

from outreach.domain.allowance import UNBOUND, Allowance, Use
from outreach.domain.ids import TenantId

__all__ = ["MeterRow", "PlanRow"]


@define(eq=False)
class PlanRow:
    """Messages of one period.

    Attributes:
        told: by the vendor, when ours were *base*.
    """

    used: int = 0
    told: Use | None = None
    base: int = 0
    warned: bool = False

    @property
    def counted(self) -> int:
        """Ours, or the vendor's count and ours since."""
        if self.told is None:
            return self.used
        return max(self.used, self.told.used + self.used - self.base)


@define(eq=False)
class MeterRow:
    """One account.

    Attributes:
        level: calls that could be made at *level_on* (machine time).
        told: the vendor tells what it counts.
        opens_at: engine time; a plan is full until then.
        plans: by the key of their period.
    """

    tenant: TenantId
    level_on: datetime
    allowance: Allowance = UNBOUND
    level: float = 1.0
    told: bool = False
    opens_at: datetime | None = None
    plans: dict[str, PlanRow] = Factory(dict)
