"""INV-8, layer by layer: no warm mail for a lead that has not replied.

The type is in tests/unit/test_channel.py, T1 in `outreach.testing.mail`, and the
gateway in `outreach.testing.gateway_stops`, each over every adapter.
"""

from __future__ import annotations

import pytest
from attrs import evolve
from tests.unit.cases import MARGIN, NOON, a_case
from tests.usecases.engine import HOUR, MINUTE, Engine, engine

from outreach.domain.channel import COLD_STATES, Channel, State, permitted
from outreach.domain.decision import Reason, Verdict, decide
from outreach.domain.errors import ChannelSegregationError
from outreach.domain.message import Outcome
from outreach.domain.outcome import draft_of
from outreach.domain.routing import Reach, choose_channel
from outreach.domain.sender import Sender, SenderState
from outreach.domain.usecases.send_next import Step

WARM = Channel.EMAIL_WARM


@pytest.mark.parametrize("state", sorted(COLD_STATES))
def test_the_decision_stops_it_for_good(state: State) -> None:
    case = a_case()
    mail = evolve(case.intent, channel=WARM, text="Bună ziua!")
    cold = evolve(
        case,
        intent=mail,
        journey=evolve(case.journey, state=state),
        to="ana@firma.ro",
    )

    made = decide(cold, NOON, margin=MARGIN)

    assert (made.verdict, made.binding) == (Verdict.STOP, Reason.CHANNEL_GUARD)


@pytest.mark.parametrize("state", sorted(COLD_STATES))
def test_no_parcel_can_be_made_for_it_whatever_was_decided(state: State) -> None:
    case = a_case()
    made = decide(case, NOON, margin=MARGIN)
    wrong = evolve(
        case,
        intent=evolve(case.intent, channel=WARM),
        journey=evolve(case.journey, state=state),
    )
    sender = case.sender
    assert sender is not None

    with pytest.raises(ChannelSegregationError):
        draft_of(wrong, sender, made, "Bună ziua!")


def test_the_router_never_chooses_what_the_states_block() -> None:
    for state in State:
        blocked = "" if state in permitted(WARM) else "CHANNEL_GUARD"
        reaches = (Reach(WARM, blocked), Reach(Channel.EMAIL_COLD, "none"))

        route = choose_channel(WARM, reaches, state=state, last=WARM, preferred=WARM)

        assert (route.channel is WARM) is (state in permitted(WARM)), state


async def mis_routed() -> tuple[Engine, Sender]:
    """Cold mail waits in the lane of an account that is for warm mail only."""
    here = engine()
    (phone,) = await here.world.phones()
    (lead,) = await here.world.line(phone, mail=True, within=8 * HOUR)
    mail = await here.world.mail(phone, lead)
    here.gateway.carries = frozenset({WARM})
    lane = here.store.intents[mail].lane
    assert lane is not None
    return here, here.phone(lane)


async def test_an_account_of_the_wrong_kind_sends_nothing_and_people_are_told() -> None:
    here, phone = await mis_routed()

    step = await here.send()

    assert step is Step.RELEASED
    assert here.gateway.arrivals == 0
    assert here.told().count("segregation.violation") == 1
    assert here.phone(phone.id).state is SenderState.PAUSED


async def test_nothing_more_leaves_by_it_until_a_person_has_looked() -> None:
    here, _ = await mis_routed()
    await here.send()

    here.pass_time(MINUTE)
    await here.run()

    assert here.gateway.arrivals == 0
    assert here.outcomes() == [Outcome.RELEASED]
