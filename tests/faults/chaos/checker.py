"""Judges a run: what the provider accepted, and PostgreSQL; not what workers believe.

Each check answers the breaches it found, under the name of the invariant.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import frozen
from tests.faults.chaos import ledger
from tests.faults.chaos.campaign import Campaign, step_of
from tests.faults.chaos.mail_checker import MailRecord, mail_breaches, mails_of
from tests.faults.chaos.mail_checker import answered as answered_mail
from tests.faults.chaos.scale import Scale
from tests.faults.chaos.stage import Stage

from outreach.domain.invariants import Breach, Invariant
from outreach.domain.message import payload_hash
from outreach.domain.timing import Timing

__all__ = ["Record", "breaches", "limits", "overdue", "read_record", "smallest_gap"]

Row = Mapping[str, Any]

_ZONE: Final = ZoneInfo("Europe/Bucharest")
_OPENS, _CLOSES = time(9), time(18)
_SATURDAY: Final = 5
_SUCCESS: Final = range(200, 300)
_PHONES: Final = "timelinesai"
_SENT, _RECEIVED = "message:sent:new", "message:received:new"
_UNDER_WAY: Final = Timing().call + Timing().connect
"""A call armed before a boundary may be accepted after it: engine time."""


@frozen
class Sent:
    """A message that the provider accepted.

    Attributes:
        mono: the provider's own monotonic time, in seconds.
        on: machine time; at: engine time.
        step: 0 for what is no step of the sequence.
    """

    uid: str
    phone: str
    to: str
    text: str
    mono: float
    on: datetime
    at: datetime
    step: int


@frozen
class Record:
    """All that a run is judged by."""

    scale: Scale
    campaign: Campaign
    sent: tuple[Sent, ...]
    attempts: Sequence[Row]
    units: Sequence[Row]
    opt_outs: Sequence[Row]
    switches: Sequence[Row]
    events: Sequence[Row]
    replies: Sequence[Row]
    answered: frozenset[str]
    loose: Sequence[str]
    guard: Mapping[tuple[str, date], frozenset[str]]
    mail: MailRecord | None = None


def read_record(stage: Stage, guard: Mapping[Any, Any] | None = None) -> Record:
    """Read everything of a stage. *guard*: reservations by phone id and day."""
    # First the provider's files: what they tell of must be in the ledger by then.
    accepted, told = stage.box.accepted(), stage.box.events()
    left = tuple(stage.left)
    sent = tuple(
        _sent(line, stage.scale)
        for line in accepted
        if line.get("wire", _PHONES) == _PHONES
    )
    answered = frozenset([*_answered(told), *answered_mail(told)])
    with stage.connect() as connection:
        read = {
            name: ledger.read(connection, query)
            for name, query in (
                ("attempts", ledger.ATTEMPTS),
                ("units", ledger.UNITS),
                ("opt_outs", ledger.OPT_OUTS),
                ("switches", ledger.SWITCHES),
                ("events", ledger.EVENTS),
                ("replies", ledger.REPLIES),
            )
        }
        mail = {
            name: ledger.read(connection, query)
            for name, query in (
                ("attempts", ledger.MAILS),
                ("breakers", ledger.BREAKERS),
                ("stops", ledger.STOPS),
            )
        }
        loose = ledger.loose_ends(connection)
    return Record(
        scale=stage.scale,
        campaign=stage.campaign,
        sent=sent,
        answered=answered,
        loose=loose,
        guard=guard or {},
        mail=MailRecord(
            scale=stage.scale,
            people=stage.campaign.people,
            taken=mails_of(accepted, stage.scale),
            told=told,
            opt_outs=read["opt_outs"],
            phone_steps=tuple((one.to, one.step) for one in sent),
            left=left,
            **mail,
        )
        if stage.mails
        else None,
        **read,
    )


def _sent(line: Row, scale: Scale) -> Sent:
    on = datetime.fromisoformat(line["at"])
    return Sent(
        uid=line["message_uid"],
        phone=line["from"],
        to=line["to"],
        text=line["text"],
        mono=line["mono"],
        on=on,
        at=scale.engine(on),
        step=step_of(line["text"]),
    )


def _answered(events: Iterable[Row]) -> Iterator[str]:
    """Keys of the messages whose webhook was answered 2xx."""
    for line in events:
        is_message = line.get("event_type") in {_SENT, _RECEIVED}
        if line["kind"] == "webhook" and is_message and line["status"] in _SUCCESS:
            yield f"{line['event_type']}:{line['key']}"


def breaches(record: Record, *, at_rest: bool = True) -> list[Breach]:
    """Everything that does not hold; *at_rest*: faults have stopped, all is done."""
    checks = [
        _one_send_per_step,
        _limit_per_day,
        _gap,
        _window,
        _opt_out,
        _attempt_first,
        _tokens,
        _sticky,
        _units,
        _events_once,
    ]
    if at_rest:
        checks += [_nothing_lost, _events_done, _guard]
    found = [breach for check in checks for breach in check(record)]
    if record.mail is not None:
        found += mail_breaches(record.mail, at_rest=at_rest)
    return found


def smallest_gap(record: Record) -> float:
    """The smallest gap between two accepted sends of a phone, over the least."""
    gaps = [
        (later.mono - earlier.mono) / record.scale.gap.total_seconds()
        for earlier, later in _pairs(record)
    ]
    return min(gaps, default=float("inf"))


def _pairs(record: Record) -> Iterator[tuple[Sent, Sent]]:
    by_phone: dict[str, list[Sent]] = defaultdict(list)
    for sent in record.sent:
        by_phone[sent.phone].append(sent)
    for line in by_phone.values():
        yield from pairwise(sorted(line, key=lambda sent: sent.mono))


def _breach(invariant: Invariant, subject: object, says: str) -> Breach:
    return Breach(invariant, str(subject), says)


def _one_send_per_step(record: Record) -> Iterator[Breach]:
    times = Counter((sent.to, sent.step) for sent in record.sent if sent.step)
    texts = Counter((sent.to, sent.text) for sent in record.sent)
    for (to, step), count in times.items():
        if count > 1:
            says = f"step {step} was accepted {count} times"
            yield _breach(Invariant.ONE_SEND_PER_STEP, to, says)
    for (to, text), count in texts.items():
        if count > 1 and not step_of(text):
            says = f"a reply was accepted {count} times"
            yield _breach(Invariant.ONE_SEND_PER_STEP, to, says)


def _limit_per_day(record: Record) -> Iterator[Breach]:
    """By the provider's clock; only a call that was under way at midnight is counted
    on the day its attempt was armed.
    """
    armed = _attempts_of(record)
    met: set[tuple[str, str]] = set()
    used: Counter[tuple[str, date]] = Counter()
    for sent in sorted(record.sent, key=lambda sent: sent.mono):
        if (sent.phone, sent.to) in met:
            continue
        met.add((sent.phone, sent.to))
        zone = ZoneInfo(record.campaign.zones[sent.phone])
        day = sent.at.astimezone(zone).date()
        attempt = armed.get(sent.uid)
        if attempt is not None and sent.at - attempt["called_at"] < _UNDER_WAY:
            day = attempt["called_at"].astimezone(zone).date()
        used[sent.phone, day] += 1
    for (phone, day), count in used.items():
        if count > record.campaign.limit:
            says = f"{count} of {record.campaign.limit} new contacts on {day}"
            yield _breach(Invariant.LIMIT_PER_DAY, phone, says)


def _gap(record: Record) -> Iterator[Breach]:
    least = record.scale.gap.total_seconds()
    for earlier, later in _pairs(record):
        gap = later.mono - earlier.mono
        if gap < least:
            says = f"{gap:.3f} s between two sends, of {least:.3f} s ({later.on})"
            yield _breach(Invariant.GAP, later.phone, says)


def _window(record: Record) -> Iterator[Breach]:
    for sent in record.sent:
        local = sent.at.astimezone(_ZONE)
        earliest = datetime.combine(local.date(), _OPENS, _ZONE)
        latest = datetime.combine(local.date(), _CLOSES, _ZONE) + _UNDER_WAY
        if local.weekday() >= _SATURDAY or not earliest <= local < latest:
            yield _breach(Invariant.WINDOW, sent.to, f"accepted at {local}")
    for attempt in record.attempts:
        local = attempt["called_at"].astimezone(_ZONE)
        if not _OPENS <= local.time() < _CLOSES:
            yield _breach(Invariant.WINDOW, attempt["intent"], f"armed at {local}")


def _opt_out(record: Record) -> Iterator[Breach]:
    """Both times were taken while the address was locked: they tell who was first."""
    since: dict[str, datetime] = {}
    for row in record.opt_outs:
        number, at = row["number"], row["created_at"]
        since[number] = min(at, since.get(number, at))
    for attempt in record.attempts:
        said = since.get(attempt["recipient"])
        if said is not None and attempt["called_on"] > said:
            says = f"armed {attempt['called_on'] - said} after the opt-out"
            yield _breach(Invariant.OPT_OUT, attempt["intent"], says)


def _attempts_of(record: Record) -> dict[str, Row]:
    """The attempt of each accepted message, by the provider's id: by that id, else by
    what was sent.
    """
    by_uid = {row["uid"]: row for row in record.attempts if row["uid"]}
    by_hash: dict[str, list[Row]] = defaultdict(list)
    for row in record.attempts:
        by_hash[row["payload_hash"]].append(row)
    found: dict[str, Row] = {}
    for sent in record.sent:
        same = by_hash.get(payload_hash(sent.phone, sent.to, "", sent.text), [])
        before = [row for row in same if row["called_on"] <= sent.on]
        if sent.uid in by_uid:
            found[sent.uid] = by_uid[sent.uid]
        elif before:
            found[sent.uid] = before[-1]
    return found


def _attempt_first(record: Record) -> Iterator[Breach]:
    armed = _attempts_of(record)
    for sent in record.sent:
        if sent.uid not in armed:
            yield _breach(Invariant.ATTEMPT_FIRST, sent.uid, "no attempt before it")
            continue
        row = armed[sent.uid]
        if row["payload_hash"] != payload_hash(sent.phone, sent.to, "", sent.text):
            yield _breach(Invariant.ATTEMPT_FIRST, sent.uid, "another payload")
        elif row["called_on"] > sent.on:
            yield _breach(Invariant.ATTEMPT_FIRST, sent.uid, "armed after it")


def _tokens(record: Record) -> Iterator[Breach]:
    last: dict[object, int] = {}
    for row in record.attempts:
        before = last.get(row["sender_id"], 0)
        if row["token"] <= before:
            says = f"armed with token {row['token']} after {before}"
            yield _breach(Invariant.TOKENS_GROW, row["sender_id"], says)
        last[row["sender_id"]] = max(before, row["token"])


def _sticky(record: Record) -> Iterator[Breach]:
    phones: dict[str, set[str]] = defaultdict(set)
    for sent in record.sent:
        phones[sent.to].add(sent.phone)
    for to, used in phones.items():
        if len(used) > 1:
            yield _breach(Invariant.STICKY_SENDER, to, f"written to by {sorted(used)}")


def _units(record: Record) -> Iterator[Breach]:
    for row in record.units:
        subject = f"{row['phone']} {row['day']}"
        if row["used"] != row["held"]:
            says = f"{row['used']} units, {row['held']} attempts hold one"
            yield _breach(Invariant.UNITS_AGREE, subject, says)
        if row["accepted"] != row["outcomes"]:
            says = f"{row['accepted']} counted as sent, {row['outcomes']} attempts"
            yield _breach(Invariant.UNITS_AGREE, subject, says)


def _guard(record: Record) -> Iterator[Breach]:
    """After a rebuild: no unit is forgotten, and what the guard holds beside them was
    reserved a moment ago by a worker that died before it armed.
    """
    held: dict[tuple[str, date], set[str]] = defaultdict(set)
    spent = set()
    for row in record.attempts:
        if row["unit_held"]:
            held[str(row["sender_id"]), row["unit_day"]].add(str(row["intent"]))
            spent.add(str(row["intent"]))
    for slot, guarded in record.guard.items():
        units = held.get(slot, set())
        for intent in units - guarded:
            says = f"the guard has forgotten a unit of {slot}"
            yield _breach(Invariant.UNITS_AGREE, intent, says)
        for intent in (guarded - units) & spent:
            says = f"the guard counts it in {slot} too"
            yield _breach(Invariant.UNITS_AGREE, intent, says)


def _events_once(record: Record) -> Iterator[Breach]:
    keys = Counter(row["key"] for row in record.events)
    for key in record.answered:
        if keys[key] != 1:
            says = f"answered 2xx and stored {keys[key]} times"
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, key, says)
    for row in record.events:
        if row["raw"] != 1:
            says = f"{row['raw']} raw bodies"
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, row["key"], says)
        if row["applied"] > 1 or row["heard"] > 1:
            says = f"applied {row['applied']} times, heard {row['heard']} times"
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, row["key"], says)
    for row in record.replies:
        if row["told"] > row["events"]:
            says = f"{row['told']} replies counted, of {row['events']} applied"
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, row["lead"], says)


def _events_done(record: Record) -> Iterator[Breach]:
    for row in record.events:
        given_up = row["why"].endswith("tries") and not row["asked"]
        if given_up or (row["status"] == "WAITING" and row["old"]):
            says = f"{row['status']} {row['why']}, and nobody was asked"
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, row["key"], says)
        if row["status"] == "APPLIED" and row["applied"] != 1:
            says = f"applied {row['applied']} times"
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, row["key"], says)
        is_reply = row["status"] == "APPLIED" and row["type"] == "REPLY"
        if is_reply and row["heard"] != 1:
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, row["key"], "not heard")


def _nothing_lost(record: Record) -> Iterator[Breach]:
    for what in record.loose:
        yield _breach(Invariant.NOTHING_LOST, what, "hangs on nothing")


def overdue(found: Iterable[tuple[str, object]]) -> list[Breach]:
    """What is still undone once faults have stopped for long enough."""
    return [_breach(Invariant.NOTHING_LOST, what, f"due at {at}") for what, at in found]


def limits(scale: Scale) -> dict[str, timedelta]:
    """From when on something is overdue, once faults have stopped."""
    return {
        "late": timedelta(minutes=5),
        "machine": timedelta(seconds=1),
        "grace": scale.timing.grace,
    }
