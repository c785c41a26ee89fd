"""Which of a lane's messages goes first, and what nobody waits longer than.

A slot is free if no reply takes it. While both new contacts and follow-ups wait:

- as long as the oldest follow-up is younger than one working day, of any n free
  slots in a row new contacts get at least n // 2, and so do follow-ups;
- once it is that old, follow-ups take every free slot until the oldest is younger
  again. So a follow-up waits one working day at most, and then as many free slots as
  there are older follow-ups in its lane; and new contacts wait as many free slots as
  there are follow-ups that are late.

Replies wait for none but older replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from outreach.domain.case import Case
from outreach.domain.sender import SendClass

__all__ = ["serve_order", "took_turn"]


def serve_order(
    cases: Sequence[Case], now: datetime, *, last_was_new: bool
) -> tuple[Case, ...]:
    """Replies of people, replies of the machine, then follow-ups and new contacts.

    New contacts keep every other slot while the oldest overdue follow-up is
    younger than one working day: until its window has been open for as long again
    as on the day it was due, counted from its next opening. Past that follow-ups
    go first. Within a class the older goes first.
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


def took_turn(sent: SendClass, *, last_was_new: bool) -> bool:
    """Whether the lane's last turn was a new contact's, now that *sent* counts as
    sent. Replies take no turn.
    """
    if sent in {SendClass.FOLLOWUP, SendClass.NEW}:
        return sent is SendClass.NEW
    return last_was_new


def _overdue(case: Case, now: datetime) -> bool:
    window = case.window
    due = window.next_open(case.intent.due_at)
    if due is None:
        return False
    closes = window.closes(due)
    opened = window.next_open(closes - window.hours.length)
    following = window.next_open(closes)
    if opened is None or following is None:
        return False
    return now >= following + (due - opened)
