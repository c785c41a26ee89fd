"""Cold and warm: the wrong send cannot be written down."""

from __future__ import annotations

from itertools import product

import pytest
from attrs import evolve
from tests.unit.cases import uid

from outreach.domain.channel import (
    COLD_STATES,
    WARM_STATES,
    Channel,
    Permit,
    State,
    permitted,
)
from outreach.domain.errors import ChannelSegregationError
from outreach.domain.ids import AccountId, AttemptId, IntentId, SenderId
from outreach.domain.message import Parcel, payload_hash

WARM_PROVIDER = Channel.EMAIL_WARM


def a_parcel(permit: Permit) -> Parcel:
    return Parcel(
        attempt=AttemptId(uid(1)),
        intent=IntentId(uid(2)),
        permit=permit,
        account=AccountId(uid(3)),
        sender=SenderId(uid(4)),
        sender_number="ana@ferma.ro",
        to="ion@firma.ro",
        text="Bună ziua",
    )


def test_every_state_is_cold_or_warm_or_gets_nothing() -> None:
    assert set(State) - COLD_STATES - WARM_STATES == {State.DEAD, State.PAUSED}
    assert not COLD_STATES & WARM_STATES


@pytest.mark.parametrize("state", sorted(set(State) - WARM_STATES))
def test_a_warm_parcel_for_a_lead_that_has_not_replied_cannot_be_constructed(
    state: State,
) -> None:
    with pytest.raises(ChannelSegregationError, match=f"{state}.*WARM_REPLY"):
        a_parcel(Permit(WARM_PROVIDER, state))


@pytest.mark.parametrize("state", sorted(WARM_STATES))
def test_a_warm_parcel_for_a_lead_that_replied_can(state: State) -> None:
    assert a_parcel(Permit(WARM_PROVIDER, state)).permit.state is state


def test_a_permit_cannot_be_made_over_into_one_that_must_not_be() -> None:
    cold = Permit(Channel.EMAIL_COLD, State.COLD)

    with pytest.raises(ChannelSegregationError):
        evolve(cold, channel=WARM_PROVIDER)
    with pytest.raises(AttributeError):
        Permit.__setattr__(cold, "state", State.WARM_REPLY)


def test_there_is_a_permit_for_exactly_what_is_permitted() -> None:
    for channel, state in product(Channel, State):
        try:
            Permit(channel, state)
        except ChannelSegregationError:
            assert state not in permitted(channel)
        else:
            assert state in permitted(channel)


def test_cold_mail_is_for_cold_leads_and_whatsapp_for_both() -> None:
    assert permitted(Channel.EMAIL_COLD) == COLD_STATES
    assert permitted(Channel.EMAIL_WARM) == WARM_STATES
    assert permitted(Channel.WHATSAPP) == COLD_STATES | WARM_STATES


def test_a_payload_hash_names_sender_address_subject_and_text() -> None:
    parts = ("+40722000001", "+40722999999", "", "Salut")

    hashes = {payload_hash(*parts)} | {
        payload_hash(*(part + "x" * (n == place) for n, part in enumerate(parts)))
        for place in range(4)
    }

    assert len(hashes) == 5
    assert payload_hash("a", "b", "", "c") != payload_hash("ab", "", "", "c")
