"""What a provider lets one account do, and which provider of warm mail comes first."""

from pathlib import Path

import pytest

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.domain.relay import ORDER
from outreach.entrypoints.sender_kinds import CARRIED
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


def test_the_order_of_warm_providers(tmp_path: Path) -> None:
    file = tmp_path / "outreach.toml"
    file.write_text('[warm]\norder = ["ses", "resend"]\n')

    usual = load({}).warm.order
    of_file = load({}, config=file).warm.order
    over_it = load({"OUTREACH_WARM_ORDER": "sendgrid, ses"}, config=file).warm.order

    assert usual == ("resend", "ses", "sendgrid")
    assert of_file == ("ses", "resend")
    assert over_it == ("sendgrid", "ses")


def test_every_provider_of_warm_mail_can_stand_in_the_order() -> None:
    warm = {name for name, of in CARRIED.items() if Channel.EMAIL_WARM in of}

    assert set(ORDER) == warm


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("sengrid", "'sengrid' is no provider of warm mail: give some of "),
        ("resend,resend", "order must name each provider once: give some of "),
        ("instantly", "'instantly' is no provider of warm mail: give some of "),
        ("", "'' is no provider of warm mail: give some of "),
    ],
)
def test_an_order_that_cannot_be_stops_the_start(order: str, says: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load({"OUTREACH_WARM_ORDER": order})

    known = "resend, ses, sendgrid"
    assert str(refused.value) == f"environment: warm: {says}{known}"


def test_an_order_of_another_type_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "outreach.toml"
    file.write_text("[warm]\norder = [1]\n")

    with pytest.raises(Misconfigured) as refused:
        load({}, config=file)

    says = "warm.order must be a list of texts in quotes"
    assert str(refused.value) == f"{file}: {says}"
