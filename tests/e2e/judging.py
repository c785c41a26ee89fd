"""Judges of a run: what the provider accepted, and the database, not our bookkeeping.

Each answers the breaches that it found, so that a test compares with nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import frozen
from tests.e2e.campaign_files import step_of

__all__ = [
    "SENDS",
    "Use",
    "Written",
    "delivered",
    "doubles",
    "new_per_day",
    "outside_window",
    "too_close",
    "uses",
    "written_after",
]

Line = Mapping[str, Any]

SENDS: Final = """
    SELECT a.external_ref AS uid, a.outcome, a.called_at, a.called_on, a.sender_id,
           p.phone_number AS phone, g.recipient, g.content_rendered AS text,
           a.unit_day IS NOT NULL AS is_new, i.step_number AS step, i.id AS intent
      FROM attempts a
      JOIN wa_phone_numbers p ON p.id = a.sender_id
      JOIN intents i ON i.id = a.intent_id
      JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
     ORDER BY a.called_on
"""
"""Every attempt of a run, with engine time (called_at) and machine time (called_on)."""

_ZONE: Final = ZoneInfo("Europe/Bucharest")
_OPENS, _CLOSES = time(9), time(18)
_SATURDAY: Final = 5
_CALL_BUDGET: Final = timedelta(seconds=5)
_STORED_WHILE_ARMED: Final = timedelta(seconds=0.5)
"""A webhook may be stored between T1's look and its stamp."""


@frozen
class Use:
    """What one phone sent."""

    new: int
    followups: int


@frozen
class Written:
    """A message that went out after it should not have."""

    to: str
    answered: str
    called_on: str


def doubles(accepted: Iterable[Line]) -> list[tuple[str, int]]:
    """People who got the same step twice, or the same text."""
    steps = Counter((line["to"], step_of(dict(line))) for line in accepted)
    texts = Counter((line["to"], line["text"]) for line in accepted)
    return [key for key, times in steps.items() if times > 1 and key[1]] + [
        (to, 0) for (to, _), times in texts.items() if times > 1
    ]


def uses(accepted: Iterable[Line]) -> dict[str, Use]:
    """Per phone: first messages to a person, and all others."""
    met: set[tuple[str, str]] = set()
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in accepted:
        pair = (line["from"], line["to"])
        counts[line["from"]][pair in met] += 1
        met.add(pair)
    return {phone: Use(*count) for phone, count in counts.items()}


def new_per_day(
    accepted: Iterable[Line], sends: Sequence[Line]
) -> dict[tuple[str, date], int]:
    """First messages by phone and the phone's day, in engine time."""
    at = {send["uid"]: send["called_at"] for send in sends}
    met: set[tuple[str, str]] = set()
    counts: Counter[tuple[str, date]] = Counter()
    for line in accepted:
        pair = (line["from"], line["to"])
        if pair not in met:
            day = at[line["message_uid"]].astimezone(_ZONE).date()
            counts[line["from"], day] += 1
        met.add(pair)
    return dict(counts)


def too_close(accepted: Iterable[Line], least_s: float) -> list[tuple[str, float]]:
    """Phones that sent twice within less than this much machine time."""
    by_phone: dict[str, list[float]] = defaultdict(list)
    for line in accepted:
        by_phone[line["from"]].append(line["mono"])
    return [
        (phone, later - earlier)
        for phone, times in by_phone.items()
        for earlier, later in pairwise(sorted(times))
        if later - earlier < least_s
    ]


def outside_window(sends: Iterable[Line]) -> list[datetime]:
    """Engine times of sends on a week-end, too early or too late."""
    return [
        send["called_at"]
        for send in sends
        if not _is_open(send["called_at"].astimezone(_ZONE))
    ]


def _is_open(at: datetime) -> bool:
    earliest = datetime.combine(at.date(), _OPENS, _ZONE)
    latest = datetime.combine(at.date(), _CLOSES, _ZONE) + _CALL_BUDGET
    return at.weekday() < _SATURDAY and earliest <= at < latest


def delivered(happened: Iterable[Line]) -> Iterator[Line]:
    """The first delivery of each webhook that was answered 2xx."""
    seen: set[tuple[str, str]] = set()
    for line in happened:
        if line["kind"] != "webhook" or line["status"] not in range(200, 300):
            continue
        name = (line["event_type"], line["key"])
        if name not in seen:
            seen.add(name)
            yield line


def written_after(
    kinds: frozenset[str], happened: Sequence[Line], sends: Iterable[Line]
) -> list[Written]:
    """Messages whose call began after a reply of these kinds was answered 2xx."""
    answered = {line["key"]: line["at"] for line in delivered(happened)}
    stopped = {
        line["from"]: answered[line["message_uid"]]
        for line in happened
        if line["kind"] == "reply"
        and line["reply"] in kinds
        and line["message_uid"] in answered
        and not line["group"]
    }
    return [
        Written(send["recipient"], stop, send["called_on"].isoformat())
        for send in sends
        if (stop := stopped.get(send["recipient"]))
        and send["called_on"] - _STORED_WHILE_ARMED > datetime.fromisoformat(stop)
    ]
