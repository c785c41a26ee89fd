"""How provider accounts of warm mail serve, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outreach.domain import explain
from outreach.domain.health import AccountHealth, HealthState, takes_one
from outreach.domain.relay import PassedOn
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.cli.screen import local, table

__all__ = ["findings", "plain_health", "show_health", "went_on"]


def show_health(found: Sequence[AccountHealth], zone: str) -> None:
    """A row per account."""
    table(
        "Providers of warm mail",
        ("provider", "state", "since", "tried again", "why", "#moved on"),
        [
            (
                one.provider,
                one.health.state,
                local(one.health.since, zone),
                _tried(one, zone),
                one.health.why or "-",
                one.moved,
            )
            for one in found
        ],
    )


def _tried(one: AccountHealth, zone: str) -> str:
    if takes_one(one.health, one.now):
        return "with its next mail"
    return local(one.health.until, zone)


def plain_health(one: AccountHealth) -> Mapping[str, Any]:
    """As JSON has it."""
    health = one.health
    return {
        "account": one.account,
        "provider": one.provider,
        "state": health.state,
        "since": health.since,
        "tried_again_at": health.until,
        "tries": health.tries,
        "why": health.why,
        "moved_on": one.moved,
    }


def findings(found: Sequence[AccountHealth]) -> Iterator[Finding]:
    """What ``doctor`` says of each: away is a warning, for its mail goes elsewhere, and
    a failure where no other account serves.
    """
    serves = any(one.health.state is not HealthState.AWAY for one in found)
    for one in found:
        health, check = one.health, f"{one.provider} serves"
        if health.state is HealthState.HEALTHY:
            yield Finding(check, Level.OK, "as its calls tell")
            continue
        away = health.state is HealthState.AWAY
        says = f"{health.state} since {health.since:%Y-%m-%d %H:%M} UTC: {health.why}"
        way = "it is tried again by itself; see its status page, and its key"
        level = Level.WARN if serves or not away else Level.FAIL
        yield Finding(check, level, says, way)


def went_on(passed: PassedOn, zone: str) -> str:
    """One sentence about a warm mail that left its sender for another one."""
    return (
        f"{explain.when(passed.at, zone)}: a mail went on from {passed.provider}, "
        f"{passed.number}, to the next sender ({passed.why})."
    )
