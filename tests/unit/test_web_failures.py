"""How often an address may fail to prove who it is."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from outreach.entrypoints.web.failures import Failures


@define
class Watch:
    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def failures(watch: Watch, burst: int = 3) -> Failures:
    return Failures(burst, timedelta(seconds=10), watch)


@given(
    burst=st.integers(1, 20),
    waits=st.lists(st.floats(0, 60, allow_nan=False), max_size=200),
)
def test_never_more_than_the_burst_and_the_trickle(
    burst: int, waits: list[float]
) -> None:
    watch = Watch()
    limit = failures(watch, burst)
    passed = 0

    for wait in waits:
        watch.seconds += wait
        passed += limit.count("192.0.2.1") == 0

    assert passed <= burst + (watch.seconds - 1_000) / 10 + 1e-6


def test_whoever_waits_as_told_is_heard_again() -> None:
    watch = Watch()
    limit = failures(watch)
    for _ in range(3):
        assert limit.count("192.0.2.1") == 0

    wait = limit.count("192.0.2.1")
    watch.seconds += wait

    assert wait == 10
    assert limit.count("192.0.2.1") == 0


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "testclient", False),
    ],
)
def test_one_customer_of_a_network_is_one(
    one: str, other: str, *, is_same: bool
) -> None:
    limit = failures(Watch(), burst=1)
    limit.count(one)

    assert (limit.count(other) > 0) is is_same


def test_any_number_of_addresses_takes_bounded_memory() -> None:
    limit = failures(Watch())
    tracemalloc.start()
    try:
        for n in range(60_000):
            limit.count(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size < 5_000_000
