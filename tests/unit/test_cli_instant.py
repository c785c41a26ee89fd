"""Times on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from outreach.entrypoints.cli.instant import instant

ZONE = "Europe/Bucharest"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-02T09:00", datetime(2026, 3, 2, 7, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 1, 22, tzinfo=UTC)),
        ("2026-03-02T09:00+00:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-29T03:30", datetime(2026, 3, 29, 1, tzinfo=UTC)),  # skipped by DST
        ("2026-10-25T03:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice
    ],
)
def test_a_time_without_an_offset_is_one_in_the_tenants_zone(
    text: str, at: datetime
) -> None:
    assert instant(text, "--from", ZONE) == at


def test_no_time_is_no_time() -> None:
    assert instant(None, "--from", ZONE) is None


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "09:00", ""])
def test_what_is_no_time_is_named_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="2026-03-02T09:00"):
        instant(text, "--from", ZONE)
