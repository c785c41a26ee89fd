"""What the judge asks of mail beside: warm and cold, breakers, stops, schedules.

As everywhere, by the providers' own records: what the account for warm mail accepted,
what the provider of campaigns sent on, which stops it carried out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from outreach.domain.channel import WARM_STATES, Channel
from outreach.domain.invariants import Breach, Invariant
from outreach.domain.stop import ALERT_AFTER
from outreach.testing.judge import Attempted, OptOut, Record

__all__ = ["Asked", "MailRecord", "Opened", "Passed", "judge_mail"]

_SLACK: Final = timedelta(minutes=6)
"""The longest wait between two tries of a stop, and a worker that was away."""


@frozen
class Passed:
    """A mail that a provider of campaigns sent on, by its own record.

    Attributes:
        uid: of the accepted message.
        hosted: the provider's campaign; empty or unknown: it belonged to none.
        on: machine time (UTC), which is engine time: worlds are not scaled.
    """

    uid: str
    to: str
    hosted: str
    on: datetime


@frozen
class Opened:
    """A breaker that was open from a commit to another (machine time).

    Attributes:
        closed: by a person; None: it is open still.
        mail: it opened by what became of mail, and stops mail alone; a person's stops
            the campaign on every channel.
    """

    campaign: str
    on: datetime
    closed: datetime | None = None
    mail: bool = False


@frozen
class Asked:
    """A stop as the ledger holds it, and what its provider and people know of it.

    Attributes:
        on: machine time of its cause.
        confirmed: the ledger says so; heard: the provider carried it out.
        alerted: people were told that it is not confirmed.
    """

    id: str
    kind: str
    on: datetime
    confirmed: bool
    heard: bool
    alerted: bool


@frozen
class MailRecord:
    """What a run with mail is judged by, beside its `Record`.

    Attributes:
        record: of all providers together.
        armed: the attempt behind each accepted message.
        warm: senders of warm mail.
        wrote: when each person first wrote to us, by any way.
        passed: what providers of campaigns sent on.
        asked: stops of accounts that hold mail.
        told: attempts and campaigns of whose stop people were told that it is not
            confirmed, also where it was needless in the end.
        now: the end of the run.
    """

    record: Record
    armed: Mapping[str, Attempted]
    warm: frozenset[str]
    wrote: Mapping[str, datetime]
    passed: Sequence[Passed]
    opened: Sequence[Opened]
    asked: Sequence[Asked]
    told: frozenset[str]
    now: datetime
    slack: timedelta = field(default=_SLACK)


def judge_mail(mail: MailRecord) -> list[Breach]:
    """Everything that does not hold of mail."""
    return [
        *_warm(mail),
        *_breaker(mail),
        *_schedule(mail),
        *_confirmed(mail),
        *_left_after_a_stop(mail),
    ]


def _warm(mail: MailRecord) -> Iterator[Breach]:
    """Of whatever channel it calls itself: what a warm account accepted is warm."""
    for sent in mail.record.sent:
        if sent.channel is not Channel.EMAIL_WARM and sent.phone not in mail.warm:
            continue
        attempt = mail.armed.get(sent.uid)
        if attempt is None:
            continue  # INV-9 tells of it
        subject = f"intent {attempt.intent}"
        if attempt.state not in WARM_STATES:
            says = f"warm mail accepted for a lead that was {attempt.state}"
            yield Breach(Invariant.CHANNEL_GUARD, subject, says)
            continue
        wrote = mail.wrote.get(mail.record.person(sent.to))
        if wrote is None or wrote > attempt.armed_on:
            says = "warm mail accepted for somebody who had not written"
            yield Breach(Invariant.CHANNEL_GUARD, subject, says)


def _breaker(mail: MailRecord) -> Iterator[Breach]:
    by_campaign: dict[str, list[Opened]] = defaultdict(list)
    for one in mail.opened:
        by_campaign[one.campaign].append(one)
    for attempt in mail.record.attempts:
        for one in by_campaign.get(attempt.campaign, ()):
            closed = one.closed or mail.now
            if one.mail and attempt.channel is Channel.WHATSAPP:
                continue
            if one.on < attempt.armed_on < closed:
                says = f"armed {attempt.armed_on - one.on} after its breaker opened"
                yield Breach(Invariant.BREAKER, f"intent {attempt.intent}", says)


def _schedule(mail: MailRecord) -> Iterator[Breach]:
    for one in mail.passed:
        if not mail.record.windows[one.to].is_open(one.on):
            says = f"the provider sent it on at {one.on}"
            yield Breach(Invariant.WINDOW, one.uid, says)


def _confirmed(mail: MailRecord) -> Iterator[Breach]:
    for one in mail.asked:
        subject = f"stop {one.id}"
        if one.confirmed and not one.heard:
            says = f"{one.kind} is called confirmed, and its provider never heard it"
            yield Breach(Invariant.STOPS_CONFIRMED, subject, says)
        late = mail.now - one.on > ALERT_AFTER + mail.slack
        if late and not one.confirmed and not one.alerted:
            says = f"{one.kind} since {one.on}: neither confirmed nor alerted"
            yield Breach(Invariant.STOPS_CONFIRMED, subject, says)


def _left_after_a_stop(mail: MailRecord) -> Iterator[Breach]:
    """Nothing leaves a provider so long after its cause to stop, unless people were
    told that it may.
    """
    patience = ALERT_AFTER + mail.slack
    for one in mail.passed:
        attempt = mail.armed.get(one.uid)
        if attempt is None or {attempt.id, attempt.campaign} & mail.told:
            continue
        cause = _cause(mail, one, attempt)
        if cause is not None and one.on - cause > patience:
            says = f"left its provider {one.on - cause} after it was to be stopped"
            yield Breach(Invariant.STOPS_CONFIRMED, f"intent {attempt.intent}", says)


def _cause(mail: MailRecord, one: Passed, attempt: Attempted) -> datetime | None:
    """Since when it should have been stopped: by an opt-out, or an open breaker."""
    person = mail.record.person(one.to)
    opted: list[OptOut] = list(mail.record.opt_outs)
    since = [out.on for out in opted if mail.record.person(out.number) == person]
    for breaker in mail.opened:
        stands = breaker.on < one.on < (breaker.closed or mail.now)
        if breaker.campaign == attempt.campaign and stands:
            since.append(breaker.on)
    return min((at for at in since if at < one.on), default=None)
