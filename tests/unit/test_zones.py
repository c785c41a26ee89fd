"""Which zones a prospect's window is kept in when nobody said."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from outreach.domain.errors import Misconfigured
from outreach.domain.window import Hours
from outreach.domain.zones import ZoneClues, zones_for

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
TENANT = "Europe/Bucharest"
BRAZIL = ("America/Noronha", "America/Sao_Paulo", "America/Manaus", "America/Eirunepe")
RUSSIA = ("Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka", "Asia/Omsk")


def chosen(clues: ZoneClues, hours: Hours | None = None) -> tuple[set[str], str]:
    choice = zones_for(clues, hours=hours or Hours(), at=AT)
    return set(choice.zones), choice.why


def test_the_leads_own_zone_beats_everything_else() -> None:
    clues = ZoneClues(
        tenant_zone=TENANT,
        known="Asia/Kathmandu",
        number_zones=["Europe/Paris"],
        country_zones=["Europe/Paris"],
        sequence_zone="Europe/Rome",
    )

    assert chosen(clues) == ({"Asia/Kathmandu"}, "the lead's own zone")


def test_a_country_with_one_zone_beats_the_sequences() -> None:
    clues = ZoneClues(
        tenant_zone=TENANT,
        country_zones=["Europe/Paris"],
        sequence_zone="Europe/Rome",
    )

    assert chosen(clues) == ({"Europe/Paris"}, "the zone of the number's country")


def test_the_zones_of_the_number_stand_in_for_an_unknown_country() -> None:
    clues = ZoneClues(
        tenant_zone=TENANT,
        number_zones=["Europe/Paris", "Europe/Paris"],
    )

    assert chosen(clues) == ({"Europe/Paris"}, "the zone of the number's country")


def test_a_country_with_near_zones_is_kept_in_all_of_them() -> None:
    clues = ZoneClues(tenant_zone=TENANT, country_zones=BRAZIL)

    zones, why = chosen(clues)

    assert zones == set(BRAZIL)
    assert why == "the hours common to the 4 zones of the number's country"


def test_three_common_hours_are_enough_and_a_minute_less_is_not() -> None:
    # Noronha is UTC-2, Eirunepe UTC-5: of six hours three are common.
    clues = ZoneClues(
        tenant_zone=TENANT,
        country_zones=BRAZIL,
        number_zones=["America/Manaus"],
    )

    enough, _ = chosen(clues, Hours(time(9), time(15)))
    short, why = chosen(clues, Hours(time(9), time(14, 59)))

    assert enough == set(BRAZIL)
    assert (short, why) == ({"America/Manaus"}, "the zone of the number's prefix")


def test_a_country_too_wide_is_kept_in_the_zone_of_the_prefix() -> None:
    clues = ZoneClues(
        tenant_zone=TENANT,
        country_zones=RUSSIA,
        number_zones=["Asia/Omsk"],
    )

    assert chosen(clues) == ({"Asia/Omsk"}, "the zone of the number's prefix")


def test_a_prefix_of_several_near_zones_is_kept_in_all_of_them() -> None:
    near = ["Europe/Kaliningrad", "Europe/Moscow"]
    clues = ZoneClues(tenant_zone=TENANT, country_zones=RUSSIA, number_zones=near)

    assert chosen(clues) == (set(near), "the zone of the number's prefix")


def test_three_hours_common_to_the_prefix_are_enough_too() -> None:
    clues = ZoneClues(
        tenant_zone=TENANT,
        country_zones=RUSSIA,
        number_zones=BRAZIL,
    )

    assert chosen(clues, Hours(time(9), time(15)))[0] == set(BRAZIL)
    assert chosen(clues, Hours(time(9), time(14, 59)))[0] == {TENANT}


@pytest.mark.parametrize("number_zones", [(), RUSSIA, ("Etc/Unknown",)])
def test_a_country_too_wide_without_a_prefix_falls_to_the_tenant(
    number_zones: tuple[str, ...],
) -> None:
    clues = ZoneClues(
        tenant_zone=TENANT,
        country_zones=RUSSIA,
        number_zones=number_zones,
    )

    zones, why = chosen(clues)

    assert zones == {TENANT}
    assert why == "the tenant's zone, the lead's being unknown"


@pytest.mark.parametrize("sequence", ["Europe/Moscow", "Europe/Simferopol"])
def test_the_sequences_zone_stands_in_where_the_country_has_that_time(
    sequence: str,
) -> None:
    clues = ZoneClues(
        tenant_zone=TENANT,
        country_zones=RUSSIA,
        sequence_zone=sequence,
    )

    zones, why = chosen(clues)

    assert zones == {sequence}
    assert why == "the sequence's zone, the lead's being unknown"


def test_the_sequences_zone_never_stands_against_the_number() -> None:
    # The same time as Kaliningrad in winter only.
    clues = ZoneClues(
        tenant_zone=TENANT,
        country_zones=RUSSIA,
        number_zones=["Asia/Omsk"],
        sequence_zone="Europe/Bucharest",
    )

    assert chosen(clues)[0] == {"Asia/Omsk"}


def test_with_nothing_known_the_sequences_zone_beats_the_tenants() -> None:
    unknown = ZoneClues(tenant_zone=TENANT, number_zones=["Etc/Unknown"])
    told = ZoneClues(tenant_zone=TENANT, sequence_zone="Europe/Rome")

    assert chosen(unknown)[0] == {TENANT}
    assert chosen(told)[0] == {"Europe/Rome"}


@pytest.mark.parametrize(
    "clues",
    [
        ZoneClues(tenant_zone=TENANT, known="Mars/Olympus"),
        ZoneClues(tenant_zone=TENANT, sequence_zone="Mars/Olympus"),
        ZoneClues(tenant_zone=TENANT, country_zones=["Mars/Olympus"]),
        ZoneClues(tenant_zone=TENANT, country_zones=["Mars/Olympus", "Asia/Omsk"]),
        ZoneClues(tenant_zone="Mars/Olympus"),
    ],
)
def test_a_zone_that_does_not_exist_is_named(clues: ZoneClues) -> None:
    with pytest.raises(Misconfigured, match="'Mars/Olympus'"):
        zones_for(clues, hours=Hours(), at=AT)
