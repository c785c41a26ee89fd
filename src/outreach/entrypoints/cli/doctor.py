"""``outreach doctor``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Final

import click
from attrs import asdict

from outreach.domain.errors import OutreachError
from outreach.entrypoints.cli import checks, mailbox_checks, server_checks, talk_checks
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import stores
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import print_json, say
from outreach.entrypoints.engine import Urls, open_engine
from outreach.entrypoints.logs import set_up_logs

__all__ = ["doctor"]

_FAILED: Final = 1
_STYLES: Final = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


@command("doctor", example="outreach doctor\noutreach doctor --json")
@json_option
@click.pass_obj
def doctor(given: Given, *, as_json: bool) -> None:
    """Check this installation, one thing after another, and send nothing.

    Each line says ok, warn or fail, what was found, and the way out. Exit status 1
    if a check fails. With no URLs set the embedded servers are found or started.
    """
    set_up_logs(level=logging.ERROR, plain=True)
    found: list[Finding] = []
    for finding in _checks(given):
        found.append(finding)
        if not as_json:
            _show(finding)
    failed = any(one.level is Level.FAIL for one in found)
    if as_json:
        print_json({"healthy": not failed, "checks": [asdict(one) for one in found]})
    if failed:
        raise click.exceptions.Exit(_FAILED)


def _checks(given: Given) -> Iterator[Finding]:
    """Ends where what is left cannot be looked at."""
    try:
        settings = given.settings
    except OutreachError as error:
        yield Finding("settings", Level.FAIL, str(error), "correct it")
        return
    yield from checks.of_settings(settings)
    yield from mailbox_checks.of_mailboxes(settings)
    yield from talk_checks.of_model(settings)
    yield from talk_checks.of_alerts(settings)
    try:
        yield from checks.of_this_machine(given.data_dir)
        with stores(given) as urls:
            yield from _of_stores(given, urls)
    except OutreachError as error:
        yield Finding("servers", Level.FAIL, str(error), "see the message")


def _of_stores(given: Given, urls: Urls) -> Iterator[Finding]:
    settings = given.settings
    stored = [
        *server_checks.of_postgres(urls.database, settings.database_schema),
        *server_checks.of_redis(urls.redis, ours=settings.embedded),
    ]
    yield from stored
    if all(one.level is not Level.FAIL for one in stored):
        yield from asyncio.run(_inside(given, urls))


async def _inside(given: Given, urls: Urls) -> list[Finding]:
    async with open_engine(given.settings, urls, reach_providers=True) as engine:
        return [
            *await checks.in_the_engine(engine),
            *await checks.at_providers(engine),
        ]


def _show(finding: Finding) -> None:
    way = f" -> {finding.way_out}" if finding.way_out else ""
    style = _STYLES[finding.level]
    say(f"{finding.level:<4}  {finding.check}: {finding.says}{way}", style=style)
