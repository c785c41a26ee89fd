"""Only what the vendor signed, a moment ago, is the vendor's."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
import resend
import standardwebhooks.webhooks as standard
import svix.webhooks as svix
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.resend_events import raw_of, signed

from outreach.adapters.resend import SvixSignatures, signatures
from outreach.domain.errors import Misconfigured

SECRET: Final = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
OTHER: Final = "whsec_" + base64.b64encode(b"another one of 24 bytes.").decode()
REFUSALS: Final = (standard.WebhookVerificationError, ValueError, KeyError)
"""What the libraries raise: their own, and what decoding raises in them."""
RAW: Final = raw_of("email.delivered")


def ours(*secrets: str) -> SvixSignatures:
    made = signatures(secrets or (SECRET,))
    assert made is not None
    return made


def accepted(headers: dict[str, str], raw: bytes, now: datetime) -> bool:
    return ours().is_theirs(headers, raw, now)


def now_and_stamp() -> tuple[datetime, int]:
    now = datetime.now(UTC)
    return now, int(now.timestamp())


def as_svix(headers: dict[str, str], raw: bytes) -> bool:
    try:
        svix.Webhook(SECRET).verify(raw, headers)
    except REFUSALS:
        return False
    return True


def as_standard(headers: dict[str, str], raw: bytes) -> bool:
    renamed = {n.replace("svix-", "webhook-"): v for n, v in headers.items()}
    try:
        standard.Webhook(SECRET).verify(raw, renamed, json_parse=False)
    except REFUSALS:
        return False
    return True


def as_vendor(headers: dict[str, str], raw: bytes) -> bool:
    given = {name.removeprefix("svix-"): value for name, value in headers.items()}
    try:
        resend.Webhooks.verify(
            {
                "payload": raw.decode(),
                "headers": {
                    "id": given["id"],
                    "timestamp": given["timestamp"],
                    "signature": given["signature"],
                },
                "webhook_secret": SECRET,
            }
        )
    except REFUSALS:
        return False
    return True


def test_what_the_reference_libraries_sign_is_theirs() -> None:
    now, stamp = now_and_stamp()
    text = RAW.decode()
    made = svix.Webhook(SECRET).sign("msg_1", now, text)
    headers = signed(RAW, SECRET, stamp)

    assert headers["svix-signature"] == made
    assert accepted(headers, RAW, now)
    for judge in (as_svix, as_standard, as_vendor):
        assert judge(headers, RAW), judge


@pytest.mark.parses
@given(
    flip=st.none() | st.integers(0, len(RAW) * 8 - 1),
    off=st.sampled_from([-3600, -310, -290, 0, 290, 310, 3600]),
    secret=st.sampled_from([SECRET, OTHER]),
    version=st.sampled_from(["v1", "v2", "v1a", "V1", ""]),
    extra=st.lists(st.sampled_from(["v1,AAAA", "v2,BBBB", "v1a,CCCC"]), max_size=3),
)
def test_the_verdict_is_that_of_the_reference_libraries(
    flip: int | None, off: int, secret: str, version: str, extra: list[str]
) -> None:
    now, stamp = now_and_stamp()
    headers = signed(RAW, secret, stamp + off, version=version)
    headers["svix-signature"] = " ".join([*extra, headers["svix-signature"]])
    raw = bytearray(RAW)
    if flip is not None:
        raw[flip // 8] ^= 1 << flip % 8

    verdict = accepted(headers, bytes(raw), now)

    assert verdict is as_svix(headers, bytes(raw))
    assert verdict is as_standard(headers, bytes(raw))
    if verdict:
        assert as_vendor(headers, RAW)


def test_a_signature_of_another_version_is_none_though_the_vendor_takes_it() -> None:
    now, stamp = now_and_stamp()
    headers = signed(RAW, SECRET, stamp, version="v9")

    assert as_vendor(headers, RAW)
    assert not as_svix(headers, RAW)
    assert not accepted(headers, RAW, now)


def test_no_bit_of_a_delivery_can_be_changed() -> None:
    now, stamp = now_and_stamp()
    headers = signed(RAW, SECRET, stamp)
    known = ours()

    for place in range(64 * 8):
        raw = bytearray(RAW)
        raw[place // 8] ^= 1 << place % 8
        assert not known.is_theirs(headers, bytes(raw), now), place
    for name, value in headers.items():
        for place in range(len(value) * 8):
            text = bytearray(value, "latin-1")
            text[place // 8] ^= 1 << place % 8
            changed = {**headers, name: text.decode("latin-1")}
            assert not known.is_theirs(changed, RAW, now), (name, place)


@pytest.mark.parses
@given(
    st.dictionaries(
        st.sampled_from(["svix-id", "svix-timestamp", "svix-signature"]),
        st.one_of(st.text(max_size=40), st.just("1763629200"), st.just("v1,")),
    ),
    st.binary(max_size=60),
)
def test_nothing_that_a_stranger_sends_is_raised_about(
    headers: dict[str, str], raw: bytes
) -> None:
    assert accepted(headers, raw, datetime.now(UTC)) is False


def test_while_a_secret_is_rotated_either_is_taken() -> None:
    now, stamp = now_and_stamp()
    old, new = (signed(RAW, one, stamp) for one in (SECRET, OTHER))
    both = " ".join(one["svix-signature"] for one in (old, new))

    assert all(ours(SECRET, OTHER).is_theirs(one, RAW, now) for one in (old, new))
    assert ours(OTHER).is_theirs({**old, "svix-signature": both}, RAW, now)
    assert not ours(OTHER).is_theirs(old, RAW, now)


@pytest.mark.parametrize("off", [timedelta(seconds=299), -timedelta(seconds=299)])
def test_a_delivery_may_be_five_minutes_off(off: timedelta) -> None:
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    headers = signed(RAW, SECRET, int((now + off).timestamp()))

    later = now + (timedelta(seconds=2) if off < timedelta() else -timedelta(seconds=2))

    assert accepted(headers, RAW, now)
    assert ours().may_be(headers, now)
    assert not accepted(headers, RAW, later)
    assert not ours().may_be(headers, later)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_canary", "whsec_%%%%", "canary", SECRET[6:]]
)
def test_what_is_no_signing_secret_stops_the_start_and_is_not_shown(
    secret: str,
) -> None:
    with pytest.raises(Misconfigured, match="no signing secret") as caught:
        signatures([SECRET, secret])

    assert "2." in str(caught.value)
    assert "canary" not in str(caught.value)
    assert SECRET[6:] not in str(caught.value)


def test_without_a_secret_nothing_is_checked_and_a_secret_is_not_shown() -> None:
    assert signatures([]) is None
    assert "a secret" not in repr(ours())
