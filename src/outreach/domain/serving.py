"""Which of a lane's messages goes first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from outreach.domain.case import Case
from outreach.domain.sender import SendClass

__all__ = ["serve_order"]

_A_DAY = timedelta(days=1)


def serve_order(
    cases: Sequence[Case], now: datetime, *, last_was_new: bool
) -> tuple[Case, ...]:
    """Replies of people, replies of the machine, then follow-ups and new contacts.

    New contacts keep every other slot while the oldest overdue follow-up is
    younger than one working day (until the first opening a day after it was due);
    past that follow-ups go first. Within a class the older goes first.
    """
    follow_up = min(
        (c for c in cases if c.intent.send_class is SendClass.FOLLOWUP),
        key=lambda c: c.intent.due_at,
        default=None,
    )
    new_first = follow_up is None or (not last_was_new and not _overdue(follow_up, now))

    def rank(case: Case) -> tuple[int, datetime]:
        kind = case.intent.send_class
        if kind is SendClass.NEW and new_first:
            return SendClass.FOLLOWUP, case.intent.due_at
        if kind is SendClass.FOLLOWUP and new_first:
            return SendClass.NEW, case.intent.due_at
        return kind, case.intent.due_at

    return tuple(sorted(cases, key=rank))


def _overdue(case: Case, now: datetime) -> bool:
    limit = case.window.next_open(case.intent.due_at + _A_DAY)
    return limit is not None and now >= limit
