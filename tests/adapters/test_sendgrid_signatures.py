"""Only what the vendor signed, within its time of trying, is the vendor's."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from sendgrid.helpers.eventwebhook import EventWebhook
from tests.adapters.sendgrid_events import (
    HEADER,
    KEY,
    OTHER,
    OTHER_KEY,
    SIGNS,
    STAMP,
    event,
    public_key,
    raw_of,
    signed,
)

from outreach.adapters.sendgrid import (
    SendGridReader,
    SendGridSignatures,
    signatures,
)
from outreach.adapters.sendgrid.signatures import AHEAD, BEHIND
from outreach.domain.errors import Misconfigured
from outreach.domain.event import EventType

RAW: Final = raw_of(event("delivered"))
NOW: Final = datetime.fromtimestamp(STAMP, UTC)
SIGNATURE: Final = f"{HEADER}signature"
TIMESTAMP: Final = f"{HEADER}timestamp"
PUBLISHED: Final = {
    "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF"
    "9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
    "signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0J"
    "uG+luQAbPIqHh89M15TluLtEZtM=",
    "stamp": "1600112502",
    "body": '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    '"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    '"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-'
    '5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",'
    '"timestamp":1600112492}]\r\n',
}
"""A delivery that the vendor signed, published in the tests of its packages (MIT)."""


def ours(*keys: str) -> SendGridSignatures:
    made = signatures(keys or (KEY,))
    assert made is not None
    return made


def accepted(headers: dict[str, str], raw: bytes, now: datetime = NOW) -> bool:
    return ours().is_theirs(headers, raw, now)


def as_vendor(headers: dict[str, str], raw: bytes) -> bool:
    """The verdict of the vendor's own helper, which knows no age."""
    helper = EventWebhook(KEY)
    return bool(
        helper.verify_signature(
            raw.decode(), headers[SIGNATURE], headers[TIMESTAMP], helper.public_key
        )
    )


def test_what_is_signed_as_the_vendor_says_is_theirs_to_both() -> None:
    headers = signed(RAW)

    assert accepted(headers, RAW)
    assert as_vendor(headers, RAW)
    assert not accepted(headers, RAW.rstrip())
    assert not as_vendor(headers, RAW.rstrip())


def test_what_the_vendor_itself_signed_is_theirs_and_is_read() -> None:
    stamp, raw = PUBLISHED["stamp"], PUBLISHED["body"].encode()
    headers = {SIGNATURE: PUBLISHED["signature"], TIMESTAMP: stamp}
    then = datetime.fromtimestamp(int(stamp), UTC)

    (event,) = SendGridReader().read(raw)

    assert ours(PUBLISHED["key"]).is_theirs(headers, raw, then)
    assert not ours(PUBLISHED["key"]).is_theirs(headers, raw, NOW)
    assert not ours().is_theirs(headers, raw, then)
    assert (event.type, event.ref) == (EventType.BOUNCE, "LRzXl_NHStOGhQ4kofSm_A")


_HELPER: Final = EventWebhook(KEY)
_KNOWN: Final = ours()


@pytest.mark.parses
@given(
    text=st.text(max_size=40),
    change=st.sampled_from(["", "x", "\n"]),
    off=st.sampled_from([-90_000, -3_600, -1, 0, 1, 299]),
    stamped=st.sampled_from([0, 1, -1]),
    by=st.sampled_from([SIGNS, SIGNS, OTHER]),
)
def test_the_verdict_is_that_of_the_vendors_helper(
    text: str, change: str, off: int, stamped: int, by: ec.EllipticCurvePrivateKey
) -> None:
    raw = text.encode()
    headers = signed(raw, STAMP + off, by)
    headers[TIMESTAMP] = str(int(headers[TIMESTAMP]) + stamped)
    changed = raw + change.encode()

    verdict = _KNOWN.is_theirs(headers, changed, NOW)

    theirs = _HELPER.verify_signature(
        changed.decode(), headers[SIGNATURE], headers[TIMESTAMP], _HELPER.public_key
    )
    young = off + stamped >= -BEHIND.total_seconds()
    assert verdict is (bool(theirs) and young)
    assert verdict is (by is SIGNS and not change and not stamped and young)


def test_no_bit_of_a_delivery_can_be_changed() -> None:
    headers = signed(RAW)
    known = ours()

    for place in range(64 * 8):
        raw = bytearray(RAW)
        raw[place // 8] ^= 1 << place % 8
        assert not known.is_theirs(headers, bytes(raw), NOW), place
    for place in range(len(headers[TIMESTAMP]) * 8):
        text = bytearray(headers[TIMESTAMP], "latin-1")
        text[place // 8] ^= 1 << place % 8
        changed = {**headers, TIMESTAMP: text.decode("latin-1")}
        assert not known.is_theirs(changed, RAW, NOW), place
    made = base64.b64decode(headers[SIGNATURE])
    for place in range(len(made) * 8):
        der = bytearray(made)
        der[place // 8] ^= 1 << place % 8
        coded = base64.b64encode(der).decode()
        assert not known.is_theirs({**headers, SIGNATURE: coded}, RAW, NOW), place


@pytest.mark.parses
@given(
    headers=st.dictionaries(
        st.sampled_from([SIGNATURE, TIMESTAMP]),
        st.one_of(
            st.text(max_size=40),
            st.sampled_from([str(STAMP), "MEUCIQ==", "MAYCAQECAQE=", "9" * 13]),
            st.binary(max_size=80).map(lambda one: base64.b64encode(one).decode()),
        ),
    ),
    raw=st.binary(max_size=60),
)
def test_nothing_that_a_stranger_sends_is_raised_about(
    headers: dict[str, str], raw: bytes
) -> None:
    assert _KNOWN.is_theirs(headers, raw, NOW) is False


def test_while_a_key_is_replaced_either_is_taken() -> None:
    old, new = (signed(RAW, by=one) for one in (SIGNS, OTHER))

    assert all(ours(KEY, OTHER_KEY).is_theirs(one, RAW, NOW) for one in (old, new))
    assert not ours(OTHER_KEY).is_theirs(old, RAW, NOW)


@pytest.mark.parametrize(
    ("off", "good"),
    [
        (AHEAD, True),
        (AHEAD + timedelta(seconds=1), False),
        (-BEHIND, True),
        (-BEHIND - timedelta(seconds=1), False),
    ],
)
def test_a_delivery_may_be_as_old_as_the_vendor_tries_and_hardly_ahead(
    off: timedelta, *, good: bool
) -> None:
    headers = signed(RAW, int((NOW + off).timestamp()))

    assert accepted(headers, RAW) is good
    assert ours().may_be(headers, NOW) is good


@pytest.mark.parametrize(
    "changes",
    [
        {SIGNATURE: ""},
        {SIGNATURE: "A" * 257},
        {TIMESTAMP: ""},
        {TIMESTAMP: f"+{STAMP}"},
        {TIMESTAMP: "\u0661795165200"},
        {TIMESTAMP: "9" * 13},
    ],
)
def test_what_the_head_rules_out_is_not_read(changes: dict[str, str]) -> None:
    assert not ours().may_be({**signed(RAW), **changes}, NOW)


def test_a_signature_with_anything_beside_base64_is_none() -> None:
    """The vendor's helper leaves out what is no base64; one signature has one form."""
    headers = signed(RAW)
    headers[SIGNATURE] = f"!{headers[SIGNATURE]}"

    assert as_vendor(headers, RAW)
    assert not accepted(headers, RAW)


def _der(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "canary",
        "%%%%",
        "MFkwEwYHKoZIzj0CAQ==",
        public_key(ec.derive_private_key(3, ec.SECP384R1())),
        _der(ec.derive_private_key(3, ec.SECP256K1()).public_key()),
        _der(rsa.RSAPublicNumbers(65_537, (1 << 1023) | 1).public_key()),
    ],
)
def test_what_is_no_key_of_that_kind_stops_the_start(key: str) -> None:
    with pytest.raises(Misconfigured, match="no verification key") as caught:
        signatures([KEY, key])

    assert "2." in str(caught.value)
    assert "canary" not in str(caught.value)


def test_without_a_key_nothing_is_checked() -> None:
    assert signatures([]) is None
