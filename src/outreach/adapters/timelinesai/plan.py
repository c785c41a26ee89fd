"""How far a workspace's plan is used. No I/O."""

from __future__ import annotations

from typing import Final

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.timelinesai import wire
from outreach.adapters.timelinesai.words import Json, part
from outreach.domain.allowance import Counted, Period, Use

__all__ = ["read_use", "workspace_request"]

_MOST: Final = 2**31 - 1


def workspace_request() -> HttpRequest:
    """Ask for the plan and how far it is used."""
    return wire.listed("/workspace")


def read_use(reply: HttpReply) -> tuple[Use, ...]:
    """Read how far the plan is used: messages, with what was bought beside it, and
    calls. A part that says nothing usable is left out.
    """
    data = wire.data_of(reply, "its plan")
    if not isinstance(data, dict):
        raise wire.unreadable(reply, "its plan")
    extra = _count(part(data, "non_recurring_quota").get("remaining_balance")) or 0
    found = (
        _use(part(data, "messaging_quota"), Counted.MESSAGES, extra),
        _use(part(data, "api_calls_quota"), Counted.CALLS),
    )
    return tuple(use for use in found if use is not None)


def _use(quota: Json, counted: Counted, extra: int = 0) -> Use | None:
    """A total of nothing bounds nothing: a plan without one is not described."""
    used, total = _count(quota.get("used")), _count(quota.get("total"))
    if used is None:
        return None
    limit = min(total + extra, _MOST) if total else None
    return Use(Period.MONTH, used, limit, counted)


def _count(said: object) -> int | None:
    if isinstance(said, int) and not isinstance(said, bool) and said >= 0:
        return min(said, _MOST)
    return None
