"""Only what was signed with our key is WAHA's."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.baileys import WahaSignatures, signatures
from outreach.domain.errors import Misconfigured

NOW: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
SECRET: Final = "a-secret-of-the-webhooks"
OLD: Final = "an-older-one-still-good"

VENDORS_KEY: Final = "my-secret-key"
VENDORS_BODY: Final = b'{"event":"message","session":"default","engine":"WEBJS"}'
VENDORS_HMAC: Final = (
    "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
    "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
)
"""As the vendor's page on webhooks shows them."""


def ours(*secrets: str) -> WahaSignatures:
    made = signatures(secrets or (SECRET, OLD))
    assert made is not None
    return made


def headers(signature: str, algorithm: str = "sha512") -> dict[str, str]:
    return {
        "x-webhook-hmac": signature,
        "x-webhook-hmac-algorithm": algorithm,
        "x-webhook-request-id": "r-1",
        "x-webhook-timestamp": "1666943582000",
    }


def sign(raw: bytes, key: str = SECRET) -> str:
    return hmac.new(key.encode(), raw, hashlib.sha512).hexdigest()


def test_the_vendors_own_vector_is_the_vendors() -> None:
    by = WahaSignatures((VENDORS_KEY.encode(),))

    assert by.is_theirs(headers(VENDORS_HMAC), VENDORS_BODY, NOW)
    assert by.is_theirs(headers(VENDORS_HMAC.upper()), VENDORS_BODY, NOW)
    assert not by.is_theirs(headers(VENDORS_HMAC), VENDORS_BODY + b" ", NOW)


@pytest.mark.parametrize("key", [SECRET, OLD])
def test_each_key_that_is_known_signs(key: str) -> None:
    assert ours().is_theirs(headers(sign(b"{}", key)), b"{}", NOW)


@pytest.mark.parametrize(
    "given_headers",
    [
        {},
        headers(""),
        headers(sign(b"{}", "another-key-of-somebody")),
        headers(sign(b"{} ")),
        headers(sign(b"{}"), "sha256"),
        headers(sign(b"{}")[:-2]),
        headers(hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()),
        headers("é" * 128),
    ],
)
def test_a_strangers_is_not(given_headers: dict[str, str]) -> None:
    assert not ours().is_theirs(given_headers, b"{}", NOW)


def test_the_algorithm_may_be_left_out() -> None:
    assert ours().is_theirs({"x-webhook-hmac": sign(b"{}")}, b"{}", NOW)


def test_the_head_alone_rules_out_what_is_no_signature() -> None:
    assert ours().may_be(headers(sign(b"{}")), NOW)
    assert ours().may_be(headers(sign(b"other")), NOW)
    assert not ours().may_be({}, NOW)
    assert not ours().may_be(headers("abc"), NOW)


def test_without_a_secret_there_is_nobody_to_check() -> None:
    assert signatures(()) is None


def test_a_short_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(Misconfigured) as failure:
        signatures((SECRET, "hush"))

    assert "2." in str(failure.value)
    assert "hush" not in str(failure.value)
    assert SECRET not in repr(ours())


@given(
    st.dictionaries(
        st.sampled_from(["x-webhook-hmac", "x-webhook-hmac-algorithm"]), st.text()
    ),
    st.binary(),
)
def test_nothing_a_stranger_sends_is_raised_about_or_believed(
    given_headers: dict[str, str], raw: bytes
) -> None:
    assert not ours().is_theirs(given_headers, raw, NOW)
