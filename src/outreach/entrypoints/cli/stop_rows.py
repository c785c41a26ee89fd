"""Stops that their provider has not confirmed, for `status` and `why`."""

from __future__ import annotations

from typing import Any

from outreach.domain.stop import Stop
from outreach.entrypoints.cli.screen import local

__all__ = ["plain_stop", "told"]


def told(stop: Stop, zone: str) -> str:
    """One line; no address in it."""
    of = "" if stop.lead is None else f" of lead {stop.lead}"
    why = f": {stop.detail}" if stop.detail else ""
    return (
        f"{stop.kind}{of}, because {stop.cause} at {local(stop.at, zone)}, "
        f"tried {stop.tries} times{why}"
    )


def plain_stop(stop: Stop) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "id": stop.id,
        "kind": stop.kind,
        "account": stop.account,
        "lead": stop.lead,
        "about": stop.about,
        "cause": stop.cause,
        "at": stop.at,
        "tries": stop.tries,
        "alerted": stop.alerted,
        "detail": stop.detail,
    }
