"""Who gets nothing, and what a kill switch covers."""

from __future__ import annotations

import pytest
from tests.unit.cases import NOON, uid

from outreach.domain.address import AddressKey, AddressKind, email_keys, phone_key
from outreach.domain.channel import Channel
from outreach.domain.ids import SenderId
from outreach.domain.suppression import (
    SuppressionReason,
    Switch,
    SwitchScope,
    of_person,
    stopped_by,
)

PHONE, OTHER = SenderId(uid(1)), SenderId(uid(2))


def thrown(scope: SwitchScope, of: str = "") -> Switch:
    return Switch(scope, of, "too many complaints", "ana", NOON)


def covers(switch: Switch, channel: Channel, sender: SenderId | None) -> bool:
    return stopped_by((switch,), channel, sender) is switch


@pytest.mark.parametrize("scope", [SwitchScope.ALL, SwitchScope.TENANT])
@pytest.mark.parametrize("channel", Channel)
def test_a_switch_for_all_or_for_a_tenant_covers_every_message(
    scope: SwitchScope, channel: Channel
) -> None:
    assert covers(thrown(scope), channel, PHONE)
    assert covers(thrown(scope), channel, None)


def test_a_switch_for_a_channel_covers_that_channel() -> None:
    switch = thrown(SwitchScope.CHANNEL, "WHATSAPP")

    assert covers(switch, Channel.WHATSAPP, PHONE)
    assert not covers(switch, Channel.EMAIL_COLD, PHONE)


def test_a_switch_for_a_sender_covers_that_sender_and_no_unallocated_message() -> None:
    switch = thrown(SwitchScope.SENDER, str(PHONE))

    assert covers(switch, Channel.WHATSAPP, PHONE)
    assert not covers(switch, Channel.WHATSAPP, OTHER)
    assert not covers(switch, Channel.WHATSAPP, None)


def test_of_several_switches_the_first_that_covers_is_named() -> None:
    other = thrown(SwitchScope.SENDER, str(OTHER))
    channel = thrown(SwitchScope.CHANNEL, "WHATSAPP")
    everything = thrown(SwitchScope.ALL)

    switches = (other, channel, everything)

    assert stopped_by(switches, Channel.WHATSAPP, PHONE) is channel
    assert stopped_by(switches, Channel.EMAIL_COLD, PHONE) is everything
    assert stopped_by((), Channel.WHATSAPP, PHONE) is None


def test_one_person_is_one_person_over_all_channels() -> None:
    stops = of_person(
        "+40722999999",
        "ion@firma.ro",
        reason=SuppressionReason.OPT_OUT,
        by="reply",
        at=NOON,
    )

    assert {str(stop.key) for stop in stops} == {
        "phone:+40722999999",
        "email:ion@firma.ro",
    }
    assert all(stop.reason is SuppressionReason.OPT_OUT for stop in stops)
    assert not any(stop.everywhere for stop in stops)


def test_who_has_no_contact_point_has_nothing_to_suppress() -> None:
    reason = SuppressionReason.OPT_OUT

    assert of_person("", "", reason=reason, by="reply", at=NOON) == ()


def test_an_address_is_stopped_by_itself_and_by_its_domain() -> None:
    own, domain = email_keys("ion@firma.ro")

    assert own == AddressKey(AddressKind.EMAIL, "ion@firma.ro")
    assert domain == AddressKey(AddressKind.DOMAIN, "firma.ro")


@pytest.mark.parametrize(
    "key", [phone_key("+40722999999"), *email_keys("ion@firma.ro")]
)
def test_a_key_is_read_back_as_it_was_written(key: AddressKey) -> None:
    assert AddressKey.of(str(key)) == key


def test_a_key_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="fax"):
        AddressKey.of("fax:+40722999999")
