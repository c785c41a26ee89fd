"""What a run did, for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from outreach.domain.sla import SLA, Priority
from outreach.entrypoints.cli.screen import local, say, table
from outreach.entrypoints.run import Ended

__all__ = ["show"]

_HOUR_S: Final = 3600


def show(ended: Ended, *, zone: str) -> None:
    """Print the tables of a run.

    Args:
        ended: how it ended.
        zone: IANA name; times are told in it.
    """
    found = ended.summary
    table(
        "Phones",
        ("phone", "day", "#new", "#of", "#follow-ups, replies"),
        [
            (one["phone"], day["day"], day["new"], one["limit"], day["followups"])
            for one in found["phones"]
            for day in one["days"] or [{"day": "-", "new": 0, "followups": 0}]
        ],
    )
    _counts("Deferred", "reason", "times", found["deferred"])
    if found["skipped"]:
        _counts("Leads not planned", "reason", "leads", found["skipped"])
    _counts("Replies", "intent", "replies", found["replies_by_intent"])
    _reviews(found, zone)
    sent = sum(found["sent"].values())
    say(
        f"{found['imported']} leads imported, {found['merged']} merged, "
        f"{found['unchanged']} unchanged, {found['rejected']} rejected; "
        f"{found['enrolled']} enrolled.",
        f"{sent} messages sent, {found['unknown']} of unknown outcome; "
        f"{found['replies']} replies; {found['suppressed']} addresses suppressed; "
        f"{sum(found['waiting'].values())} messages wait.",
    )
    if found["rejects_file"]:
        say(f"Rejected rows: {found['rejects_file']}")
    if ended.log is not None:
        say(f"What the provider on this machine accepted: {ended.log}")


def _counts(title: str, what: str, of: str, counts: Mapping[str, int]) -> None:
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    table(title, (what, f"#{of}"), rows)


def _reviews(found: Mapping[str, Any], zone: str) -> None:
    """Most urgent first, with what the SLA allows and when the first one is due."""
    due: Mapping[str, str] = found.get("reviews_due", {})
    table(
        "Reviews",
        ("priority", "#items", "answer within", "first due"),
        [
            (
                str(priority),
                found["reviews"][priority],
                _within(priority),
                local(_time(due.get(priority)), zone),
            )
            for priority in sorted(Priority, reverse=True)
            if found["reviews"].get(priority)
        ],
    )


def _within(priority: Priority) -> str:
    allowed = SLA[priority]
    hours = f"{allowed.time.total_seconds() / _HOUR_S:g} h"
    return hours if allowed.wall_clock else f"{hours} of reviewers' time"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
