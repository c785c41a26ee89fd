"""Times on the command line, read in the tenant's zone where they name none."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from outreach.domain.window import local_instant

__all__ = ["instant"]


def instant(text: str | None, option: str, zone: str) -> datetime | None:
    """The time that *text* means, in UTC; None for None.

    Args:
        text: ISO 8601; a time without an offset is one in *zone*.
        option: that it was given by, for the error.
        zone: IANA name.

    Raises:
        click.BadParameter: it is no such time.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = (
            f"{text!r} is no ISO 8601 time: write it like 2026-03-02T09:00, "
            "or 2026-03-02T09:00+02:00"
        )
        raise click.BadParameter(message, param_hint=option) from error
    if at.tzinfo is None:
        return local_instant(at.date(), at.time(), zone)
    return at.astimezone(UTC)
