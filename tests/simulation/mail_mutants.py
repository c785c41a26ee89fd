"""Defects of the path of mail, planted one at a time, as in `mutants`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from attrs import evolve, frozen
from tests.simulation.mutants import Mutant

from outreach.adapters.memory import MemoryDuties, MemoryIntents, arming
from outreach.domain.case import Case
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.ids import AttemptId, SenderId
from outreach.domain.invariants import Invariant
from outreach.domain.message import NotAccepted, Refused, UnknownOutcome
from outreach.domain.usecases.send_next import SendNext
from outreach.ports.gateway import Again, Confirmed
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.parts import Parts
from outreach.testing.simulation.place import (
    CAMPAIGNS,
    COLD,
    SPARE,
    SPARE_BOX,
    WARM_BOX,
)

__all__ = ["MUTANTS", "RELAYED"]

MUTANTS: Final[dict[str, Mutant]] = {}


def _mutant(name: str, *breaks: Invariant, mail: Mail, **parts: Any) -> None:
    facts = {"phones": 1, "leads": 6, "mail": mail, **parts.pop("facts", {})}
    MUTANTS[name] = Mutant(name, frozenset(breaks), facts, **parts)


@frozen
class _Around:
    port: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)


# --- INV-8


class _TakenBack(MemoryIntents):
    """Between the decision and T1 it is found that the lead has not replied after all,
    and the draft says that it does not matter.
    """

    async def arm(self, claim: Any, drafts: Any) -> Any:
        return await super().arm(
            claim, [(self._taken_back(draft), made) for draft, made in drafts]
        )

    def _taken_back(self, draft: Any) -> Any:
        if draft.parcel.permit.channel is not Channel.EMAIL_WARM:
            return draft
        journey = self.store.journey(draft.lead)
        cold = evolve(journey, state=State.CONTACTED_EMAIL)
        known = self.store.keep_journey(cold)
        return evolve(draft, lead_version=known.version, states=frozenset(State))


def _taken_back(parts: Parts) -> None:
    """The router, the decision, the permit and the accounts saw a lead that replied."""
    parts.intents = _TakenBack(parts.store)
    for provider in parts.mail.values():
        provider.guarded = False


_mutant(
    "warm-wall-missing-in-t1",
    Invariant.CHANNEL_GUARD,
    mail=Mail(only=14, answers=False, answering=0.9),
    facts={"days": 3},
    stage=_taken_back,
    patches=((arming, "permitted", lambda _: frozenset(State)),),
)

# --- INV-14

_mutant(
    "breaker-not-asked-in-t1",
    Invariant.BREAKER,
    mail=Mail(only=14, many=3, aimed=0.5),
    patches=((arming, "breaker_of", lambda *_: None),),
)

# --- INV-17


class _TriedOnce(MemoryDuties):
    async def done(self, duty: Duty, again: Any) -> None:
        once = duty.kind is DutyKind.STOP
        await super().done(duty, None if once else again)


def _tried_once(parts: Parts) -> None:
    parts.duties = _TriedOnce(parts.store)


_mutant(
    "stop-forgotten-after-the-first-try",
    Invariant.STOPS_CONFIRMED,
    mail=Mail(only=20, unheard=0.5, leaving=0.5),
    plant=_tried_once,
)


@frozen
class _Believing(_Around):
    async def stop(self, stop: Any) -> Any:
        answer = await self.port.stop(stop)
        return Confirmed("surely") if isinstance(answer, Again) else answer


def _believing(parts: Parts) -> None:
    parts.mail[CAMPAIGNS] = _Believing(parts.mail[CAMPAIGNS])


_mutant(
    "stop-believed-without-an-answer",
    Invariant.STOPS_CONFIRMED,
    mail=Mail(only=20, down=12.0, leaving=0.5),
    plant=_believing,
)

# --- sent twice, or not by the attempt that says so


@frozen
class _Retrying(_Around):
    async def send_many(self, parcels: Sequence[Any], within: Any) -> Any:
        answers = await self.port.send_many(parcels, within)
        if all(isinstance(one, UnknownOutcome) for one in answers):
            answers = await self.port.send_many(parcels, within)
        return answers


def _retrying(parts: Parts) -> None:
    parts.mail[CAMPAIGNS] = _Retrying(parts.mail[CAMPAIGNS])


_mutant(
    "lost-answer-of-many-retried",
    Invariant.ONE_SEND_PER_STEP,
    mail=Mail(only=20, many=5, torn=0.5),
    plant=_retrying,
)


@frozen
class _NewKey(_Around):
    async def repeat(self, parcel: Any, since: Any, within: Any) -> Any:
        key = AttemptId(UUID(int=parcel.attempt.int ^ 1))
        return await self.port.repeat(evolve(parcel, attempt=key), since, within)


def _new_key(parts: Parts) -> None:
    parts.mail[WARM_BOX] = _NewKey(parts.mail[WARM_BOX])


_mutant(
    "repeated-under-another-key",
    Invariant.ONE_SEND_PER_STEP,
    mail=Mail(only=40, answers=False, answering=0.9, silent=0.3),
    facts={"days": 3},
    plant=_new_key,
)


@frozen
class _Elsewhere(_Around):
    """A phone that hands what it cannot send to the account for mail, at once."""

    parts: Parts

    async def send(self, parcel: Any, within: Any) -> Any:
        answer = await self.port.send(parcel, within)
        lead = self.parts.store.attempts[parcel.attempt].lead
        email = self.parts.store.leads[lead].email
        if not isinstance(answer, Refused) or not email:
            return answer
        other = evolve(
            parcel,
            permit=Permit(Channel.EMAIL_COLD, parcel.permit.state),
            sender=_cold(self.parts),
            sender_number=COLD,
            to=email,
        )
        return await self.parts.mail[CAMPAIGNS].send(other, within)


def _cold(parts: Parts) -> SenderId:
    lanes = parts.store.lanes.values()
    return next(one.sender.id for one in lanes if one.sender.number == COLD)


def _elsewhere(parts: Parts) -> None:
    parts.provider = _Elsewhere(parts.provider, parts)


_mutant(
    "fall-back-inside-one-claim",
    Invariant.ATTEMPT_FIRST,
    mail=Mail(only=4),
    facts={"leads": 16, "bad": 0.5},
    plant=_elsewhere,
)


@frozen
class _Shifted(_Around):
    async def send_many(self, parcels: Sequence[Any], within: Any) -> Any:
        answers = list(await self.port.send_many(parcels, within))
        return answers[1:] + answers[:1]


def _shifted(parts: Parts) -> None:
    parts.mail[CAMPAIGNS] = _Shifted(parts.mail[CAMPAIGNS])


_mutant(
    "outcome-of-another-lead",
    Invariant.ATTEMPT_FIRST,
    mail=Mail(only=20, unwanted=0.3),
    plant=_shifted,
)

# --- warm mail that goes on to another provider


@frozen
class _Impatient(_Around):
    """A call that was not answered in time is taken for one that was refused."""

    async def send(self, parcel: Any, within: Any) -> Any:
        answer = await self.port.send(parcel, within)
        lost = isinstance(answer, UnknownOutcome)
        return NotAccepted(lane=True, detail="timed out") if lost else answer


def _impatient(parts: Parts) -> None:
    parts.mail[WARM_BOX] = _Impatient(parts.mail[WARM_BOX])


RELAYED: Final[dict[str, Any]] = {
    "only": 40,
    "answers": False,
    "answering": 0.9,
    "spare": True,
}

_mutant(
    "fail-over-on-unknown",
    Invariant.ONE_SEND_PER_STEP,
    mail=Mail(**RELAYED, silent=0.6),
    facts={"days": 3},
    plant=_impatient,
)


@frozen
class _PassingOn(_Around):
    """What a provider does not take is given to the next one in the same call."""

    parts: Parts

    async def send(self, parcel: Any, within: Any) -> Any:
        answer = await self.port.send(parcel, within)
        if not isinstance(answer, NotAccepted):
            return answer
        lanes = self.parts.store.lanes.values()
        spare = next(one.sender for one in lanes if one.sender.number == SPARE)
        other = evolve(parcel, sender=spare.id, sender_number=spare.number)
        return await self.parts.mail[SPARE_BOX].send(other, within)


def _passing_on(parts: Parts) -> None:
    parts.mail[WARM_BOX] = _PassingOn(parts.mail[WARM_BOX], parts)


_mutant(
    "fail-over-without-t1",
    Invariant.ATTEMPT_FIRST,
    mail=Mail(**RELAYED, refused=0.6),
    facts={"days": 3},
    plant=_passing_on,
)

# --- outside of any schedule


class _Unasked(SendNext):
    def _complete(self, case: Case, claim: Any) -> Case:
        return evolve(super()._complete(case, claim), hosting=None)


def _unasked(parts: Parts) -> None:
    parts.sends = _Unasked


_mutant(
    "added-without-its-campaign",
    Invariant.WINDOW,
    mail=Mail(only=20),
    facts={"start": datetime(2026, 3, 2, 14, tzinfo=UTC)},
    plant=_unasked,
)
