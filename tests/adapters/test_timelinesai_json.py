"""JSON from strangers stays within its bounds, and quickly."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters._json import MOST_DEEP, MOST_KEYS, Unreadable, parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_within_the_bounds_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.lists(st.text(alphabet='[]{}:,"\\ 0123456789'), max_size=60))
def test_what_stands_in_a_string_counts_for_nothing(texts: list[str]) -> None:
    assert parse(json.dumps(texts * 5).encode()) == texts * 5


def test_as_deep_as_allowed_is_read_and_one_deeper_is_not() -> None:
    deep = "[" * MOST_DEEP + "]" * MOST_DEEP
    mixed = '{"a":[' * (MOST_DEEP // 2) + "]}" * (MOST_DEEP // 2)

    assert parse(deep.encode())
    assert parse(mixed.encode())
    with pytest.raises(Unreadable, match="32 levels"):
        parse(f"[{deep}]".encode())


def test_many_shallow_lists_are_not_deep() -> None:
    assert len(parse(json.dumps([[]] * 5_000).encode())) == 5_000


def test_as_many_keys_as_allowed_are_read_and_one_more_is_not() -> None:
    body: dict[str, object] = {str(key): {} for key in range(MOST_KEYS)}

    assert len(parse(json.dumps(body).encode())) == MOST_KEYS
    with pytest.raises(Unreadable, match="1000 keys"):
        parse(json.dumps({**body, "one more": 1}).encode())


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 10**18])
def test_an_integer_of_64_bits_is_read(number: int) -> None:
    assert parse(str(number).encode()) == number


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_longer_integer_is_not(number: int) -> None:
    with pytest.raises(Unreadable, match="64 bits"):
        parse(json.dumps([number]).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"\x80",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e400]",
        b"{} {}",
        b'{"a": tru}',
    ],
)
def test_what_is_no_json_of_utf8_is_not_read(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(raw)


@pytest.mark.parses
@given(st.binary() | st.text(alphabet='[]{}:,"\\ 0-+eE.\x00tfn').map(str.encode))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with contextlib.suppress(Unreadable):
        parse(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b"9" * 1_000_000,
        b"[" + b"9" * 18 + b"," * 900_000,
        b'"\\' * 500_000,
        b'"\\"' * 333_333,
        b'"' * 1_000_000,
        b'["' + b"\\" * 1_000_000,
        b"-" * 1_000_000,
    ],
    ids=["lists", "objects", "digits", "commas", "a", "b", "quotes", "slashes", "-"],
)
def test_a_bomb_is_refused_at_once(raw: bytes) -> None:
    started = time.process_time()

    with pytest.raises(Unreadable):
        parse(raw)

    assert time.process_time() - started < 0.5
