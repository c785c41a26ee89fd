"""Times on the command line, read in the tenant's zone where they name none."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from outreach.domain.window import local_instant

__all__ = ["back", "instant"]

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=90)
"""The log is kept so long (SPEC: retention)."""


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


def back(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    """``90m``, ``12h`` or ``7d``."""
    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", value)
    if found is None:
        message = f"{value!r} is no time such as 90m, 12h or 7d"
        raise click.BadParameter(message)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if span > _LONGEST:
        message = f"{value} is longer than the log is kept, 90d"
        raise click.BadParameter(message)
    return span
