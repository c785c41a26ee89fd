"""The judge of every run: what a provider accepted, against what the ledger holds.

It believes the provider's own record of accepted messages, and nobody's bookkeeping
of it. All it is given are plain values, so that a simulated world and a run over real
stores are judged alike. It answers the breaches it found; none is a pass.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from attrs import field, frozen

from outreach.domain.address import mailbox
from outreach.domain.channel import Channel, State
from outreach.domain.invariants import Breach, Invariant
from outreach.domain.message import Outcome, payload_hash
from outreach.domain.pacing import GAP
from outreach.domain.timing import Timing
from outreach.domain.window import Window, local_day

__all__ = [
    "Attempted",
    "Heard",
    "OptOut",
    "Phone",
    "Record",
    "Sent",
    "Used",
    "armed_of",
    "judge",
]

_HOLDS = frozenset(
    {Outcome.CALLING, Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.ABANDONED},
)
_NOT_SENT = frozenset({Outcome.RELEASED, Outcome.REFUSED, Outcome.NOT_SENT})


@frozen
class Sent:
    """One message that a provider accepted, by its own record.

    Attributes:
        uid: the provider's id of the message; no two providers have the same.
        phone: the number (E.164), address or account it left from.
        to: the number (E.164) or address it went to.
        text: what the person received.
        on: machine time (UTC).
        at: engine time (UTC); the same, unless time is scaled.
        subject: of a mail.
    """

    uid: str
    phone: str
    to: str
    text: str = field(repr=False)
    on: datetime
    at: datetime
    channel: Channel = Channel.WHATSAPP
    subject: str = field(default="", repr=False)

    @property
    def hash(self) -> str:
        """As the ledger names a payload."""
        return payload_hash(self.phone, self.to, self.subject, self.text)


@frozen
class Attempted:
    """One attempt as the ledger holds it.

    Attributes:
        id, intent, lead: ids as text.
        step: of the sequence, from 1; 0 for a reply.
        automatic: no person approved it.
        phone, to: the numbers (E.164) or addresses it was meant for.
        hash: of the payload.
        token: fencing token it was armed under.
        armed_at: engine time of T1; armed_on: machine time.
        day: the phone's day whose unit it asked for; None: it cost nothing.
        holds: its intent still holds that unit.
        keeps: it was refused for good, and keeps its unit all the same.
        permitted: a person allowed it outside the window.
        state: of the lead's journey at T1, as whoever stood by saw it.
        campaign: of ours, as text; empty for a reply.
    """

    id: str
    intent: str
    lead: str
    step: int
    automatic: bool
    phone: str
    to: str
    hash: str
    token: int
    armed_at: datetime
    armed_on: datetime
    outcome: Outcome
    day: date | None
    holds: bool
    keeps: bool = False
    permitted: bool = False
    channel: Channel = Channel.WHATSAPP
    state: State | None = None
    campaign: str = ""


@frozen
class Phone:
    """A phone, with the most new contacts it may make on any one of its days."""

    number: str
    zone: str
    limit: int


@frozen
class Heard:
    """The first time this number wrote to that phone, or a person from that phone
    to it, by the provider's record (machine time): from then on they know each other.
    """

    phone: str
    number: str
    on: datetime


@frozen
class OptOut:
    """When an address was suppressed for good (machine time of the commit)."""

    number: str
    on: datetime


@frozen
class Used:
    """What the ledger and the guard say of one phone on one of its days.

    Attributes:
        units: intents that hold a unit.
        reserved: intents at the guard, after reconciliation; None: it was not asked.
    """

    phone: str
    day: date
    units: frozenset[str]
    reserved: frozenset[str] | None = None


@frozen
class Record:
    """All that a run is judged by.

    Attributes:
        windows: of each number that was written to, with holidays.
        known: who knew each other without us, see `Heard`.
        gap: the least between two sends of a phone (machine time).
        under_way: a call that was armed in time may be accepted so much later
            (engine time): the call budget, and how long a process may be stopped.
        moved: (lead, phone) pairs that a recorded reassignment allows beside the
            first phone.
        returned: ids of mails that came back for good, by the provider's own record:
            none of them has arrived, and each lets its step go another way once.
        people: who has a number or an address, where one person may have several.
    """

    sent: Sequence[Sent]
    attempts: Sequence[Attempted]
    phones: Sequence[Phone]
    windows: Mapping[str, Window]
    known: Sequence[Heard] = ()
    opt_outs: Sequence[OptOut] = ()
    used: Sequence[Used] = ()
    gap: timedelta = GAP
    under_way: timedelta = Timing().fence
    moved: frozenset[tuple[str, str]] = frozenset()
    returned: frozenset[str] = frozenset()
    people: Mapping[str, str] = field(factory=dict)

    @property
    def by_phone(self) -> Sequence[Sent]:
        """What phones sent."""
        return [one for one in self.sent if one.channel is Channel.WHATSAPP]

    def person(self, to: str) -> str:
        """Who has this number or address, whatever its sub-address."""
        plain = mailbox(to) if "@" in to else to
        return self.people.get(plain, plain)


def judge(record: Record) -> list[Breach]:
    """Everything that does not hold."""
    found: list[Breach] = []
    armed = armed_of(record)
    found += _one_send_per_step(record, armed)
    found += _limit_per_day(record, armed)
    found += _gap(record)
    found += _window(record, armed)
    found += _opt_out(record)
    found += _attempt_first(record, armed)
    found += _units(record)
    found += _tokens(record)
    found += _sticky(record)
    return found


_Armed = Mapping[str, Attempted]


def armed_of(record: Record) -> _Armed:
    """The attempt behind each accepted message, by the provider's id of it.

    The newest of that payload that was armed before: a text is sent again only by a
    new attempt, and the calls of one lane do not overlap.
    """
    by_hash: dict[str, list[Attempted]] = defaultdict(list)
    for attempt in sorted(record.attempts, key=lambda one: one.armed_on):
        by_hash[attempt.hash].append(attempt)
    found: dict[str, Attempted] = {}
    for sent in record.sent:
        for attempt in reversed(by_hash.get(sent.hash, ())):
            if attempt.armed_on <= sent.on:
                found[sent.uid] = attempt
                break
    return found


def _one_send_per_step(record: Record, armed: _Armed) -> Iterator[Breach]:
    """By text and number, for a lead's step always reads alike; and by intent."""
    texts = Counter(sent.hash for sent in record.sent)
    for digest, times in texts.items():
        if times > 1:
            says = f"accepted {times} times"
            yield Breach(Invariant.ONE_SEND_PER_STEP, f"payload {digest[:12]}", says)
    stands = {uid: one for uid, one in armed.items() if uid not in record.returned}
    intents = Counter(one.intent for one in stands.values())
    for intent, times in intents.items():
        if times > 1:
            says = f"{times} accepted sends"
            yield Breach(Invariant.ONE_SEND_PER_STEP, f"intent {intent}", says)
    open_ = Counter(one.intent for one in record.attempts if one.outcome in _HOLDS)
    for intent, times in open_.items():
        if times > 1:
            says = f"{times} attempts that may have been accepted"
            yield Breach(Invariant.ONE_SEND_PER_STEP, f"intent {intent}", says)


def _limit_per_day(record: Record, armed: _Armed) -> Iterator[Breach]:
    """By the provider's clock. Only a call that was under way at midnight counts on
    the day on which it was armed.
    """
    zones = {phone.number: phone.zone for phone in record.phones}
    limits = {phone.number: phone.limit for phone in record.phones}
    met = {(one.phone, one.number): one.on for one in record.known}
    used: Counter[tuple[str, date]] = Counter()
    for sent in sorted(record.by_phone, key=lambda one: one.on):
        pair = (sent.phone, sent.to)
        if pair in met and met[pair] <= sent.on:
            continue
        met[pair] = sent.on
        at, attempt = sent.at, armed.get(sent.uid)
        if attempt is not None and at - attempt.armed_at <= record.under_way:
            at = attempt.armed_at
        used[sent.phone, local_day(at, zones[sent.phone])] += 1
    for (phone, day), count in used.items():
        if count > limits[phone]:
            says = f"{count} of {limits[phone]} new contacts on {day}"
            yield Breach(Invariant.LIMIT_PER_DAY, _tail(phone), says)


def _tail(number: str) -> str:
    """Enough of a phone of ours to know it; never a person's."""
    return f"phone …{number[-4:]}"


def _gap(record: Record) -> Iterator[Breach]:
    lines: dict[str, list[Sent]] = defaultdict(list)
    for sent in record.by_phone:
        lines[sent.phone].append(sent)
    for phone, line in lines.items():
        for earlier, later in pairwise(sorted(line, key=lambda one: one.on)):
            gap = later.on - earlier.on
            if gap < record.gap:
                says = f"{gap.total_seconds():.3f} s between two sends, at {later.on}"
                yield Breach(Invariant.GAP, _tail(phone), says)


def _window(record: Record, armed: _Armed) -> Iterator[Breach]:
    for sent in record.sent:
        attempt = armed.get(sent.uid)
        if attempt is not None and attempt.permitted:
            continue
        window = record.windows[sent.to]
        if window.is_open(sent.at) or window.is_open(sent.at - record.under_way):
            continue
        subject = sent.uid if attempt is None else f"intent {attempt.intent}"
        yield Breach(Invariant.WINDOW, subject, f"accepted at {sent.at}")
    for attempt in record.attempts:
        if attempt.permitted or record.windows[attempt.to].is_open(attempt.armed_at):
            continue
        says = f"armed at {attempt.armed_at}"
        yield Breach(Invariant.WINDOW, f"intent {attempt.intent}", says)


def _opt_out(record: Record) -> Iterator[Breach]:
    since: dict[str, datetime] = {}
    for one in record.opt_outs:
        person = record.person(one.number)
        since[person] = min(one.on, since.get(person, one.on))
    for attempt in record.attempts:
        said = since.get(record.person(attempt.to))
        if said is not None and attempt.armed_on > said:
            says = f"armed {attempt.armed_on - said} after the opt-out"
            yield Breach(Invariant.OPT_OUT, f"intent {attempt.intent}", says)


def _attempt_first(record: Record, armed: _Armed) -> Iterator[Breach]:
    for sent in record.sent:
        attempt = armed.get(sent.uid)
        if attempt is None:
            says = "no attempt of that payload was armed before it"
            yield Breach(Invariant.ATTEMPT_FIRST, sent.uid, says)
        elif attempt.outcome in _NOT_SENT and sent.uid not in record.returned:
            says = f"accepted, and the ledger says {attempt.outcome}"
            yield Breach(Invariant.ATTEMPT_FIRST, f"intent {attempt.intent}", says)


def _units(record: Record) -> Iterator[Breach]:
    """Every unit is held by an attempt that was or may have been accepted, and every
    such attempt holds its unit.
    """
    held: dict[tuple[str, date], set[str]] = defaultdict(set)
    for attempt in record.attempts:
        if attempt.day is None:
            continue
        if attempt.outcome in _HOLDS or attempt.keeps:
            held[attempt.phone, attempt.day].add(attempt.intent)
            if not attempt.holds:
                says = f"{attempt.outcome}, and its unit was given back"
                yield Breach(Invariant.UNITS_AGREE, f"intent {attempt.intent}", says)
    for row in record.used:
        owed = held.get((row.phone, row.day), set())
        subject = f"{_tail(row.phone)} {row.day}"
        for intent in sorted(row.units - owed):
            says = f"intent {intent} holds a unit and has no attempt for it"
            yield Breach(Invariant.UNITS_AGREE, subject, says)
        if row.reserved is not None:
            for intent in sorted(row.units ^ row.reserved):
                says = f"the guard and the ledger differ in intent {intent}"
                yield Breach(Invariant.UNITS_AGREE, subject, says)


def _tokens(record: Record) -> Iterator[Breach]:
    """Each lane arms under growing tokens, in the order of T1."""
    last: dict[str, int] = {}
    for attempt in sorted(record.attempts, key=lambda one: one.armed_on):
        before = last.get(attempt.phone, 0)
        if attempt.token < before:
            says = f"armed with token {attempt.token} after {before}"
            yield Breach(Invariant.TOKENS_GROW, _tail(attempt.phone), says)
        last[attempt.phone] = max(before, attempt.token)


def _sticky(record: Record) -> Iterator[Breach]:
    by_number: dict[str, dict[str, None]] = defaultdict(dict)
    for sent in record.by_phone:
        by_number[sent.to].setdefault(sent.phone)
    leads = {attempt.to: attempt.lead for attempt in record.attempts}
    for number, phones in by_number.items():
        lead = leads.get(number, "")
        extra = [
            phone for phone in list(phones)[1:] if (lead, phone) not in record.moved
        ]
        if extra:
            says = f"written to by {1 + len(extra)} phones"
            yield Breach(Invariant.STICKY_SENDER, f"lead {lead}", says)


def told(breaches: Iterable[Breach]) -> str:
    """One line each."""
    return "\n".join(map(str, breaches))
