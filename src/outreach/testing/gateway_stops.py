"""What a gateway owes that can take back, or whose account is for warm mail only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID, uuid5

from attrs import evolve

from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import ChannelSegregationError
from outreach.domain.ids import AccountId, LeadId, StopId, TenantId
from outreach.domain.message import Accepted, Parcel
from outreach.domain.stop import Stop, StopKind
from outreach.ports.gateway import Again, Confirmed, SendsMany, TakesBack
from outreach.testing.gateway_bench import Situation, Workbench, parcel

__all__ = [
    "CAMPAIGN",
    "HoldsWorkbench",
    "TakesBackContract",
    "WarmAccountContract",
    "mail",
    "stop_of",
]

CAMPAIGN: Final = UUID("5c2f0b5e-52a7-5c69-8f4e-3f0d5b7c1a22")
"""Our campaign that all mail of a workbench belongs to."""

_AMPLE: Final = timedelta(seconds=10)
_NAMESPACE: Final = UUID("0d2b7c0e-64a5-5f0f-8d0c-5f3d1c9f7a12")
_MISSED: Final = (Situation.UNREACHABLE, Situation.KEY_REVOKED, Situation.LOST)
_UNHEARD: Final = (Situation.SILENT, Situation.CUT_OFF)


class HoldsWorkbench(Workbench, Protocol):
    """A workbench whose provider holds what it accepted until it is let go."""

    async def let_go(self) -> Sequence[str]:
        """Have the provider send all that it may; texts of what left now."""
        ...


def mail(text: str, to: str = "ana@firma.ro", state: State = State.COLD) -> Parcel:
    """A cold mail; a warm one for a lead that is not cold."""
    cold = state in {State.COLD, State.CONTACTED_WA, State.CONTACTED_EMAIL}
    permit = Permit(Channel.EMAIL_COLD if cold else Channel.EMAIL_WARM, state)
    return evolve(
        parcel(text),
        permit=permit,
        to=to,
        sender_number="ion@agro.example",
        subject="Bună ziua",
    )


def stop_of(kind: StopKind, sent: Parcel, ref: str = "") -> Stop:
    """What a provider is told about *sent*, or about its campaign."""
    about = str(CAMPAIGN if kind is StopKind.PAUSE else sent.attempt)
    now = datetime.now(UTC)
    return Stop(
        id=StopId(uuid5(_NAMESPACE, f"{kind}/{about}")),
        tenant=TenantId(_NAMESPACE),
        account=AccountId(_NAMESPACE),
        kind=kind,
        about=about,
        cause="OPTED_OUT",
        at=now,
        now=now,
        lead=LeadId(_NAMESPACE),
        ref=ref,
        to="" if kind is StopKind.PAUSE else sent.to,
    )


async def _held(bench: Workbench, sent: Parcel) -> str:
    answer = await bench.gateway.send(sent, _AMPLE)
    assert isinstance(answer, Accepted), answer
    return answer.ref


def _taker(bench: Workbench) -> TakesBack:
    assert isinstance(bench.gateway, TakesBack)
    return bench.gateway


class TakesBackContract:
    """Every promise of `TakesBack`."""

    async def test_what_is_confirmed_is_not_sent(self, bench: HoldsWorkbench) -> None:
        """What is confirmed is not sent afterwards."""
        left = {StopKind.WITHDRAW: 1, StopKind.BLOCK: 1, StopKind.PAUSE: 0}
        for kind, count in left.items():
            ours = mail(f"ours, {kind}", f"{kind.lower()}@firma.ro")
            other = mail(f"another, {kind}", "eva@firma.ro")
            ref = await _held(bench, ours)
            await _held(bench, other)

            answer = await _taker(bench).stop(stop_of(kind, ours, ref))

            assert isinstance(answer, Confirmed), (kind, answer)
            assert list(await bench.let_go()) == [other.text] * count, kind

    async def test_one_message_is_withdrawn_and_no_other_of_its_lead(
        self, bench: HoldsWorkbench
    ) -> None:
        first, second = mail("first"), mail("second")
        ref = await _held(bench, first)
        await _held(bench, second)

        await _taker(bench).stop(stop_of(StopKind.WITHDRAW, first, ref))

        assert list(await bench.let_go()) == ["second"]

    async def test_the_same_stop_again(self, bench: HoldsWorkbench) -> None:
        """The same stop again is confirmed again."""
        ref = await _held(bench, mail("held"))
        for kind in StopKind:
            stop = stop_of(kind, mail("held"), ref)

            answers = [await _taker(bench).stop(stop) for _ in range(3)]

            assert all(isinstance(one, Confirmed) for one in answers), kind
        assert list(await bench.let_go()) == []

    async def test_what_is_not_there(self, bench: HoldsWorkbench) -> None:
        """What the provider does not have is confirmed."""
        gone = mail("gone")
        ref = await _held(bench, gone)
        await bench.let_go()

        answers = [
            await _taker(bench).stop(stop_of(StopKind.WITHDRAW, one, known))
            for one, known in ((gone, ref), (mail("never sent"), ""))
        ]

        assert all(isinstance(one, Confirmed) for one in answers), answers

    async def test_a_message_is_withdrawn_without_its_id(
        self, bench: HoldsWorkbench
    ) -> None:
        await bench.arrange(Situation.CUT_OFF)
        await bench.gateway.send(mail("lost answer"), _AMPLE)
        await bench.arrange(Situation.WELL)

        answer = await _taker(bench).stop(
            stop_of(StopKind.WITHDRAW, mail("lost answer"))
        )

        assert isinstance(answer, Confirmed), answer
        assert list(await bench.let_go()) == []

    async def test_without_an_answer(self, bench: HoldsWorkbench) -> None:
        """A stop without an answer is to be repeated."""
        for situation in (*_MISSED, *_UNHEARD):
            held = mail(situation.name, f"{situation.name.lower()}@firma.ro")
            stop = stop_of(StopKind.WITHDRAW, held, await _held(bench, held))
            await bench.arrange(situation)

            lost = await _taker(bench).stop(stop)
            await bench.arrange(Situation.WELL)
            found = await _taker(bench).stop(stop)

            assert isinstance(lost, Again), (situation, lost)
            assert isinstance(found, Confirmed), (situation, found)
        assert list(await bench.let_go()) == []

    async def test_stopping_raises_nothing(self, bench: HoldsWorkbench) -> None:
        """Nothing the provider or the network does is raised."""
        for situation in Situation:
            await bench.arrange(situation)
            for kind in StopKind:
                answer = await _taker(bench).stop(stop_of(kind, mail("held")))

                assert isinstance(answer, Confirmed | Again), (situation, answer)


class WarmAccountContract:
    """INV-8 at the last gate: a warm account takes nothing that is not warm."""

    async def test_a_message_for_another_channel_never_leaves(
        self, bench: Workbench
    ) -> None:
        for wrong in (mail("cold"), parcel("whatsapp")):
            error = None
            try:
                await bench.gateway.send(wrong, _AMPLE)
            except ChannelSegregationError as raised:
                error = raised

            assert error is not None, wrong
            assert wrong.to not in str(error)
        assert bench.arrivals == 0
        assert not bench.accepted

    async def test_one_wrong_message_keeps_all_of_a_call_from_leaving(
        self, bench: Workbench
    ) -> None:
        warm = mail("warm", state=State.WARM_REPLY)
        gateway = bench.gateway
        if not isinstance(gateway, SendsMany):
            return
        error = None
        try:
            await gateway.send_many([warm, mail("cold")], _AMPLE)
        except ChannelSegregationError as raised:
            error = raised

        assert error is not None
        assert bench.arrivals == 0

    async def test_a_warm_message_is_taken(self, bench: Workbench) -> None:
        for state in (State.WARM_REPLY, State.NEGOTIATION, State.CONVERTED):
            answer = await bench.gateway.send(mail(state, state=state), _AMPLE)

            assert isinstance(answer, Accepted), answer
