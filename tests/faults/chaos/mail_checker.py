"""Judges the mail of a run: by what the vendors wrote down, and by the ledger.

The vendors' files hold each lead that was added to a campaign, each warm mail, each
mail that left a campaign, each word that came back, and all that was taken out.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import frozen
from tests.faults.chaos.campaign import step_of
from tests.faults.chaos.scale import Scale

from outreach.adapters.instantly import InstantlyReader
from outreach.adapters.instantly.words import ATTEMPT
from outreach.adapters.resend import ResendReader
from outreach.domain.invariants import Breach, Invariant
from outreach.domain.message import payload_hash
from outreach.domain.timing import Timing
from outreach.ports.gateway import Reads

__all__ = ["MailRecord", "answered", "figures", "mail_breaches", "mails_of"]

Row = Mapping[str, Any]

_ZONE: Final = ZoneInfo("Europe/Bucharest")
_OPENS, _CLOSES = time(9), time(18)
_SATURDAY: Final = 5
_SUCCESS: Final = range(200, 300)
_WARM: Final = frozenset({"WARM_REPLY", "NEGOTIATION", "CONVERTED"})
_UNDER_WAY: Final = Timing().call + Timing().connect
_READERS: Final[Mapping[str, Reads]] = {
    "instantly": InstantlyReader(),
    "resend": ResendReader(),
}


@frozen
class Taken:
    """A mail, or a lead of a campaign, that a vendor took.

    Attributes:
        attempt: of ours, as the vendor was told it.
        campaign: the vendor's id of it; empty: it is a warm mail.
        on: machine time; at: engine time.
    """

    uid: str
    attempt: str
    to: str
    subject: str
    text: str
    campaign: str
    on: datetime
    at: datetime

    @property
    def step(self) -> int:
        return step_of(self.text)


@frozen
class MailRecord:
    """All that the mail of a run is judged by.

    Attributes:
        phone_steps: who was sent which step by telephone.
        told: the vendors' own events, in their order.
        left: addresses whose link was followed and answered.
    """

    scale: Scale
    people: Mapping[str, int]
    taken: Sequence[Taken]
    told: Sequence[Row]
    attempts: Sequence[Row]
    breakers: Sequence[Row]
    stops: Sequence[Row]
    opt_outs: Sequence[Row]
    phone_steps: Sequence[tuple[str, int]]
    left: Sequence[str]


def mails_of(lines: Iterable[Row], scale: Scale) -> tuple[Taken, ...]:
    """What the vendors of mail wrote down as accepted."""
    return tuple(
        _taken(line, scale)
        for line in lines
        if line.get("wire") in _READERS and line["kind"] != "emails/reply"
    )


def _taken(line: Row, scale: Scale) -> Taken:
    on = datetime.fromisoformat(line["at"])
    text, attempt, campaign = line["text"], line.get("idempotency_key", ""), ""
    if line["wire"] == "instantly":
        text = html.unescape(text.replace("<br/>", "\n"))
        attempt = line["lead"]["custom_variables"].get(ATTEMPT, "")
        campaign = line["campaign_id"]
    return Taken(
        line["message_uid"],
        attempt,
        line["to"],
        line["subject"],
        text,
        campaign,
        on,
        scale.engine(on),
    )


def answered(events: Sequence[Row]) -> Iterator[str]:
    """Keys of the mail events whose webhook was answered 2xx."""
    bodies = {
        line["id"]: (line["wire"], line["body"])
        for line in events
        if line["kind"] == "webhook_due" and line.get("wire") in _READERS
    }
    for line in events:
        if line["kind"] != "webhook" or line.get("wire") not in _READERS:
            continue
        if line["status"] in _SUCCESS:
            wire, body = bodies[line["due"]]
            yield from (one.key for one in _READERS[wire].read(body.encode()))


def figures(record: MailRecord) -> dict[str, int]:
    """How much of what was to be met was met."""
    unknown = Counter(
        (row["sender_id"], row["token"])
        for row in record.attempts
        if row["outcome"] in {"UNKNOWN", "ABANDONED"}
    )
    calls = Counter((row["sender_id"], row["token"]) for row in record.attempts)
    return {
        "added": sum(bool(one.campaign) for one in record.taken),
        "warm": sum(not one.campaign for one in record.taken),
        "mailed": sum(line["kind"] == "mailed" for line in record.told),
        "most in a call": max(calls.values(), default=0),
        "most unknown of a call": max(unknown.values(), default=0),
        "breakers": len(record.breakers),
        "stops": len(record.stops),
        "confirmed": sum(row["confirmed_at"] is not None for row in record.stops),
        "left by link": len(record.left),
        "suppressed addresses": sum(row["kind"] == "email" for row in record.opt_outs),
    }


def mail_breaches(record: MailRecord, *, at_rest: bool) -> Iterator[Breach]:
    """Everything that does not hold."""
    checks = [
        *(_one_send_per_step, _window, _opt_out, _warm_only, _attempt_first),
        *(_tokens, _breaker, _stops_hold),
    ]
    if at_rest:
        checks += [_stops_confirmed, _links_followed]
    for check in checks:
        yield from check(record)


def _breach(invariant: Invariant, subject: object, says: str) -> Breach:
    return Breach(invariant, str(subject), says)


def _one_send_per_step(record: MailRecord) -> Iterator[Breach]:
    """Over all channels: whoever has a number and an address is one person."""
    times = Counter(
        (record.people.get(to, to), step) for to, step in record.phone_steps if step
    )
    times.update(
        (record.people.get(one.to, one.to), one.step)
        for one in record.taken
        if one.step
    )
    for (person, step), count in times.items():
        if count > 1:
            says = f"step {step} was accepted {count} times over all channels"
            yield _breach(Invariant.ONE_SEND_PER_STEP, f"person {person}", says)
    replies = Counter((one.to, one.text) for one in record.taken if not one.step)
    for (to, _), count in replies.items():
        if count > 1:
            says = f"a reply was accepted {count} times"
            yield _breach(Invariant.ONE_SEND_PER_STEP, to, says)


def _window(record: MailRecord) -> Iterator[Breach]:
    """Of what was armed, of what left, and of the hours the vendor was told."""
    for row in record.attempts:
        local = row["called_at"].astimezone(_ZONE)
        if local.weekday() >= _SATURDAY or not _OPENS <= local.time() < _CLOSES:
            yield _breach(Invariant.WINDOW, row["intent"], f"armed at {local}")
    for line in record.told:
        if line["kind"] == "mailed":
            local = datetime.fromisoformat(line["local"]).astimezone(_ZONE)
            if local.weekday() >= _SATURDAY or not _OPENS <= local.time() < _CLOSES:
                yield _breach(Invariant.WINDOW, line["to"], f"left at {local}")
        if line["kind"] == "campaign":
            yield from _hours(line)


def _hours(line: Row) -> Iterator[Breach]:
    for one in line["asked"].get("campaign_schedule", {}).get("schedules", ()):
        opens = time.fromisoformat(one["timing"]["from"])
        closes = time.fromisoformat(one["timing"]["to"])
        weekend = one["days"].get("0") or one["days"].get("6")
        if opens < _OPENS or closes > _CLOSES or weekend:
            yield _breach(Invariant.WINDOW, line["id"], f"its hours are {one}")


def _opt_out(record: MailRecord) -> Iterator[Breach]:
    since: dict[str, datetime] = {}
    for row in record.opt_outs:
        address, at = row["number"], row["created_at"]
        since[address] = min(at, since.get(address, at))
    for row in record.attempts:
        said = since.get(row["recipient"])
        if said is not None and row["called_on"] > said:
            says = f"armed {row['called_on'] - said} after the opt-out"
            yield _breach(Invariant.OPT_OUT, row["intent"], says)


def _warm_only(record: MailRecord) -> Iterator[Breach]:
    """By the vendor's file: whoever gets warm mail has written before it."""
    wrote: dict[str, datetime] = {}
    for line in record.told:
        if line["kind"] == "mail_reply":
            on = datetime.fromisoformat(line["at"])
            wrote[line["sender"]] = min(on, wrote.get(line["sender"], on))
    states = {row["id"]: row["lead_state"] for row in record.attempts}
    for one in record.taken:
        if one.campaign:
            continue
        since, state = wrote.get(one.to), states.get(one.attempt)
        if since is None or since > one.on:
            says = "warm mail to who has not written"
            yield _breach(Invariant.CHANNEL_GUARD, one.uid, says)
        if one.step or state not in _WARM:
            says = f"step {one.step} to a lead that was {state}"
            yield _breach(Invariant.CHANNEL_GUARD, one.uid, says)


def _attempt_first(record: MailRecord) -> Iterator[Breach]:
    attempts = {row["id"]: row for row in record.attempts}
    for one in record.taken:
        row = attempts.get(one.attempt)
        if row is None:
            yield _breach(Invariant.ATTEMPT_FIRST, one.uid, "no attempt before it")
            continue
        of = payload_hash(row["sender"], one.to, one.subject, one.text)
        if row["payload_hash"] != of:
            yield _breach(Invariant.ATTEMPT_FIRST, one.uid, "another payload")
        elif row["called_on"] > one.on:
            yield _breach(Invariant.ATTEMPT_FIRST, one.uid, "armed after it")
        if row["outcome"] in {"RELEASED", "REFUSED", "NOT_SENT"}:
            says = f"taken, and the ledger says {row['outcome']}"
            yield _breach(Invariant.ATTEMPT_FIRST, one.uid, says)


def _tokens(record: MailRecord) -> Iterator[Breach]:
    """Those of one call share theirs."""
    last: dict[object, int] = {}
    for row in record.attempts:
        before = last.get(row["sender_id"], 0)
        if row["token"] < before:
            says = f"armed with token {row['token']} after {before}"
            yield _breach(Invariant.TOKENS_GROW, row["sender_id"], says)
        last[row["sender_id"]] = max(before, row["token"])


def _breaker(record: MailRecord) -> Iterator[Breach]:
    """T1 has looked before it; a call that was under way may end."""
    for breaker in record.breakers:
        since = breaker["created_at"]
        latest = since + _UNDER_WAY / record.scale.times
        for row in record.attempts:
            if row["campaign"] == breaker["campaign"] and row["called_on"] > since:
                says = f"armed {row['called_on'] - since} after its breaker opened"
                yield _breach(Invariant.BREAKER, row["intent"], says)
        for one in record.taken:
            if one.campaign in breaker["refs"] and one.on > latest:
                says = f"added {one.on - since} after the breaker opened"
                yield _breach(Invariant.BREAKER, one.uid, says)


def _stops_hold(record: MailRecord) -> Iterator[Breach]:
    """What was confirmed as stopped does not leave afterwards."""
    leads = {one.uid: one.attempt for one in record.taken}
    stopped: dict[str, datetime] = {}
    for row in record.stops:
        if row["confirmed_at"] is not None:
            about = row["ref"] if row["kind"] == "PAUSE" else row["about"]
            if row["kind"] != "BLOCK":
                stopped[about] = record.scale.machine(row["confirmed_at"])
    for line in record.told:
        if line["kind"] != "mailed":
            continue
        on = datetime.fromisoformat(line["at"])
        for about in (leads.get(line["lead_id"], ""), line["campaign_id"]):
            if about in stopped and on > stopped[about] + _A_MOMENT:
                says = f"left {on - stopped[about]} after its stop was confirmed"
                yield _breach(Invariant.STOPS_CONFIRMED, about, says)


_A_MOMENT: Final = timedelta(milliseconds=5)
"""Between the vendor's answer and its line."""


def _stops_confirmed(record: MailRecord) -> Iterator[Breach]:
    blocked = {
        line["entry"]["bl_value"] for line in record.told if line["kind"] == "blocked"
    }
    for row in record.stops:
        if row["confirmed_at"] is None and row["old"] and row["alerted_at"] is None:
            says = f"{row['kind']} is not confirmed, and nobody was told"
            yield _breach(Invariant.STOPS_CONFIRMED, row["id"], says)
        blocks = row["kind"] == "BLOCK" and row["confirmed_at"] is not None
        cold = row["wire"] == "instantly"
        if blocks and cold and row["recipient"] not in blocked:
            says = "confirmed, and the vendor's list does not have the address"
            yield _breach(Invariant.STOPS_CONFIRMED, row["id"], says)


def _links_followed(record: MailRecord) -> Iterator[Breach]:
    out = {row["number"] for row in record.opt_outs}
    for address in record.left:
        if address not in out:
            says = "its link was followed and answered, and it is not suppressed"
            yield _breach(Invariant.EVENTS_APPLIED_ONCE, address, says)
