"""What a provider lets one account do is set in its table."""

import pytest

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.settings import ProviderLimits, ProviderTable, load


def test_nothing_bounds_an_account_unless_it_is_set() -> None:
    limits = ProviderLimits()

    assert (limits.rate, limits.burst) == (0, 1)
    assert (limits.per_day, limits.per_month) == (0, 0)


def test_the_environment_sets_the_limits_of_an_account() -> None:
    settings = load(
        {
            "OUTREACH_TIMELINESAI_RATE": "2.5",
            "OUTREACH_TIMELINESAI_BURST": "10",
            "OUTREACH_TIMELINESAI_PER_DAY": "10000",
            "OUTREACH_TIMELINESAI_PER_MONTH": "300000",
        }
    )

    assert settings.timelinesai == ProviderTable(
        rate=2.5, burst=10, per_day=10_000, per_month=300_000
    )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("RATE", "-1", "-1.0 is no rate: give calls a second, 0 to 10000"),
        ("RATE", "nan", "nan is no rate: give calls a second, 0 to 10000"),
        ("BURST", "0", "0 is no burst: give 1 to 1000000000 calls"),
        ("PER_DAY", "-5", "-5 is no plan: give 0 (none) to 1000000000 messages"),
        ("PER_MONTH", "-5", "-5 is no plan: give 0 (none) to 1000000000 messages"),
    ],
)
def test_a_limit_that_cannot_be_stops_the_start(
    key: str, value: str, says: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        load({f"OUTREACH_TIMELINESAI_{key}": value})

    assert str(refused.value) == f"environment: timelinesai: {says}"
