"""What a run ended with, as one document."""

from __future__ import annotations

from typing import Any

from outreach.domain.sla import Priority
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.intake import Intake

__all__ = ["summarise"]


async def summarise(engine: Engine, taken: Intake) -> dict[str, Any]:
    """Figures of the default tenant, and what became of the run's files."""
    decisions = engine.container.decisions()
    found = await decisions.summary(engine.tenant)
    days: dict[str, list[dict[str, Any]]] = {}
    for one in await decisions.days(engine.tenant):
        days.setdefault(one.phone, []).append(
            {"day": one.day.isoformat(), "new": one.new, "followups": one.followups}
        )
    return taken.counts() | {
        "enrolled": found.enrolled,
        "leads": found.imported,
        "sent": dict(found.sent),
        "deferred": dict(found.deferred),
        "skipped": dict(found.skipped),
        "events": dict(found.events),
        "replies": sum(found.replies.values()),
        "replies_by_intent": dict(found.replies),
        "reviews": dict(found.reviews),
        "reviews_due": await _reviews_due(engine),
        "suppressed": found.suppressed,
        "unknown": found.unknown,
        "waiting": dict(found.waiting),
        "phones": [
            {
                "phone": phone,
                "new": new,
                "followups": followups,
                "limit": limit,
                "days": days.get(phone, []),
            }
            for phone, new, followups, limit in found.phones
        ],
    }


async def _reviews_due(engine: Engine) -> dict[str, str]:
    """When the first open item of each priority is due."""
    reviews = engine.container.reviews()
    due: dict[str, str] = {}
    for priority in Priority:
        for view in await reviews.queue(engine.tenant, limit=1, priority=priority):
            due[str(priority)] = view.item.sla_due_at.isoformat()
    return due
