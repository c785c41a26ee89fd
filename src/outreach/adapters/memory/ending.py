"""T2, and what is learnt later of an outcome that nobody knew."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.adapters.memory import budgeting, metering, relaying, versions
from outreach.adapters.memory.counting import count, gone_on, mark, reach, uncount
from outreach.adapters.memory.reviewing import open_item
from outreach.adapters.memory.rows import AttemptRow, IntentRow, Standing
from outreach.adapters.memory.stopping import stop_run
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.watch import note_call, note_signal
from outreach.domain.channel import Channel
from outreach.domain.journey import Fact, happened
from outreach.domain.message import Aftermath, Left, MessageStatus, Outcome, Result
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.serving import took_turn
from outreach.ports.intents import Resolution

__all__ = ["left", "lose_call", "reroute", "resolve", "settle", "told"]

_NOTHING: Final = Aftermath(move_to=None, next_step=None, ends_in=None)
"""Of an attempt that was armed without saying what follows."""


def settle(store: MemoryStore, result: Result) -> Left:
    """T2 of one attempt; one that has an outcome already keeps it."""
    attempt = store.attempts[result.attempt]
    if attempt.outcome is Outcome.CALLING:
        _rest(store, attempt, result)
        _end_call(store, attempt, result)
        note_signal(store, attempt, result)
    elif attempt.outcome is Outcome.UNKNOWN and result.outcome is not Outcome.UNKNOWN:
        _learn(store, attempt, result)
        note_signal(store, attempt, result)
    return left(store, attempt)


def lose_call(store: MemoryStore, attempt: AttemptRow) -> Left:
    """Nobody will say how the call ended: UNKNOWN, or what an event has told."""
    lost = evolve(_result(attempt, Outcome.UNKNOWN), gap=store.timing.rest)
    return settle(store, lost)


def resolve(store: MemoryStore, resolution: Resolution) -> Left:
    """What a look, or the deadline, made of an attempt that is still UNKNOWN."""
    attempt = store.attempts[resolution.doubt.parcel.attempt]
    if attempt.outcome is not Outcome.UNKNOWN:
        return left(store, attempt)
    attempt.lease = None
    if resolution.outcome is Outcome.UNKNOWN:
        attempt.looks += 1
        times = (resolution.again_at, attempt.overdue_at)
        attempt.next_look = min(at for at in times if at is not None)
    else:
        result = _result(attempt, resolution.outcome)
        ref, thread, why = resolution.ref, resolution.thread, resolution.detail
        _learn(store, attempt, evolve(result, ref=ref, thread=thread, detail=why))
    if resolution.review is not None:
        open_item(store, resolution.review)
    return left(store, attempt)


def told(
    store: MemoryStore, attempt: AttemptRow, outcome: Outcome, ref: str, thread: str
) -> None:
    """What an event says of an attempt.

    While the call is under way only its own end may free the lane, so the event is
    kept as evidence in case that end is never heard of.
    """
    if attempt.outcome is Outcome.CALLING and outcome is Outcome.ACCEPTED:
        attempt.evidence = True
        store.name(attempt, ref, thread)
    elif attempt.outcome is Outcome.UNKNOWN and outcome is not Outcome.UNKNOWN:
        attempt.lease = None
        result = _result(attempt, outcome)
        _learn(store, attempt, evolve(result, ref=ref, thread=thread))
    elif attempt.outcome is Outcome.ACCEPTED and outcome is Outcome.REFUSED:
        _returned(store, attempt)


def _returned(store: MemoryStore, attempt: AttemptRow) -> None:
    """It was accepted and came back: whether its run goes on or not, it has not been
    sent, unless a later step was tried. Its step is to do again if the run goes on. It
    left its sender all the same, and counts there.
    """
    row = store.intents[attempt.intent]
    run = row.intent.enrolment
    if run is None or row.standing is not Standing.SENT:
        return
    if gone_on(store, attempt):
        return
    uncount(store, attempt, to=MessageStatus.BOUNCED)
    attempt.outcome = Outcome.REFUSED
    attempt.detail = "returned"
    versions.count(store, attempt)
    enrolment = store.enrolments[run].enrolment
    match enrolment.status:
        case EnrolmentStatus.ACTIVE:
            store.wait(row, store.now)
        case EnrolmentStatus.PAUSED:
            store.end(row, Standing.HELD, "returned")
        case _:
            store.end(row, Standing.CANCELLED, enrolment.stop_reason)


def left(store: MemoryStore, attempt: AttemptRow) -> Left:
    """What the ledger holds of an attempt and its unit."""
    unit, of = attempt.unit, attempt.parcel
    spent = unit is not None and attempt.intent in store.unit(unit).ids
    held = any(
        attempt.intent in budgeting.holders(store, of.sender, key)
        for key in attempt.budgets
    )
    return Left(
        of.attempt, attempt.intent, attempt.outcome, spent or held, attempt.slot
    )


def _result(attempt: AttemptRow, outcome: Outcome) -> Result:
    """The end of a call as it looks to who did not make it."""
    return Result(
        attempt=attempt.parcel.attempt,
        tenant=attempt.tenant,
        token=attempt.token,
        outcome=outcome,
        gap=timedelta(),
        aftermath=attempt.aftermath or _NOTHING,
    )


def _rest(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """The lane rests from the end of its call; what is learnt later changes nothing."""
    lane = store.lanes[attempt.parcel.sender]
    if not lane.token == attempt.token == result.token:
        return
    if attempt.parcel.attempt not in lane.calling:
        return
    lane.gate_at = max(lane.gate_at, store.now + result.gap)
    if lane.backoff_until is not None and lane.backoff_until <= store.now:
        lane.backoff_until = None
    if len(lane.calling) <= 1:
        # Many messages in one call are one call.
        lane.backoffs = lane.backoffs + 1 if result.lane_refused else 0
    if result.rest or result.lane_refused:
        # Of many messages in one call, the longest wait asked for.
        wait = store.engine_span(result.rest) if result.rest else result.gap
        until = store.now + wait
        lane.backoff_until = max(lane.backoff_until or until, until)
    if result.lane_refused and len(lane.calling) <= 1:
        store.backoffs[attempt.tenant] = store.backoffs.get(attempt.tenant, 0) + 1


def _end_call(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    name = attempt.parcel.attempt
    lane = store.lanes[attempt.parcel.sender]
    del lane.calling[name], store.calling[name]
    if not lane.calling:
        lane.lease = None
    if result.outcome is Outcome.UNKNOWN and attempt.evidence:
        result = evolve(result, outcome=Outcome.ACCEPTED)
    note_call(store, attempt, result)
    relaying.note(store, attempt, result)
    _note(store, attempt, result)
    if result.outcome in {Outcome.ACCEPTED, Outcome.UNKNOWN}:
        lane.last_was_new = took_turn(
            attempt.send_class, last_was_new=lane.last_was_new
        )
        count(store, attempt, result.aftermath)
    else:
        _try_again(store, attempt, result)
    if result.outcome is Outcome.UNKNOWN:
        attempt.next_look = store.now + store.timing.first_look
        attempt.overdue_at = store.now + store.timing.give_up
        store.unknown[name] = None
    _ask_person(store, attempt, result)


def _learn(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """An UNKNOWN attempt, which was counted as sent, gets its outcome."""
    del store.unknown[attempt.parcel.attempt]
    attempt.next_look = None
    attempt.lease = None
    _note(store, attempt, result)
    if result.outcome is Outcome.ACCEPTED:
        reach(store, attempt, MessageStatus.ACCEPTED, store.now)
    elif result.outcome is not Outcome.ABANDONED:
        if uncount(store, attempt):
            _try_again(store, attempt, result)
        else:
            _give_unit_back(store, attempt, result)
            _mark(store, attempt, result)
    _ask_person(store, attempt, result)


def _note(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    attempt.outcome = result.outcome
    attempt.settled_at = store.now
    store.name(attempt, result.ref, result.thread)
    if result.outcome is Outcome.ACCEPTED:
        # Only now do they know each other: after a send that may never have arrived,
        # the next one is a new contact again and costs a unit.
        store.converse(attempt.parcel.sender, attempt.lead, result.thread)
    attempt.detail = result.detail or attempt.detail
    versions.count(store, attempt)


def _give_unit_back(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    if not result.keep_unit:
        budgeting.give_back(store, attempt)
        metering.give_back(store, attempt)
    if attempt.unit is not None and not result.keep_unit:
        store.unit(attempt.unit).ids.pop(attempt.intent, None)
        store.lanes[attempt.parcel.sender].new_gate_at = None


def _try_again(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """It was not sent: the message waits, goes another way, or ends."""
    _give_unit_back(store, attempt, result)
    _mark(store, attempt, result)
    row = store.intents[attempt.intent]
    if not result.lane_refused:
        row.intent = evolve(row.intent, attempts=row.intent.attempts + 1)
    if row.cancelled:
        store.end(row, Standing.CANCELLED, row.cancelled)
    elif result.review is not None:
        store.end(row, Standing.HELD, str(result.review.reason))
    elif result.outcome is not Outcome.REFUSED:
        store.wait(row, store.now + result.retry_in)
        relaying.go_on(store, attempt, result)
    elif result.fall_back_to is not None:
        reroute(store, row, result.fall_back_to)
    else:
        why = str(Fact.UNREACHABLE)
        store.end(row, Standing.CANCELLED, why)
        stop_run(store, row.intent.enrolment, why)
        journey = store.journey(attempt.lead)
        by = "provider"
        store.keep_moved(happened(journey, Fact.UNREACHABLE, store.now, by=by))


def _mark(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    if result.nobody_there:
        mark(store, attempt, "invalid")


def reroute(store: MemoryStore, row: IntentRow, channel: Channel) -> None:
    """Have it wait on another channel, for the lead's sender there or for any."""
    store.end(row, Standing.HELD)
    row.intent = evolve(row.intent, channel=channel)
    row.lane = store.journey(row.intent.lead).sender(channel)
    store.wait(row, store.now)


def _ask_person(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """If a person must look, the run pauses until one has."""
    if result.review is None:
        return
    enrolment = store.intents[attempt.intent].intent.enrolment
    run = None if enrolment is None else store.enrolments[enrolment]
    if run is not None and run.enrolment.status is EnrolmentStatus.ACTIVE:
        why = str(result.review.reason)
        store.keep_status(run, EnrolmentStatus.PAUSED, why)
    open_item(store, result.review)
