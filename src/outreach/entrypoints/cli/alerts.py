"""``outreach alerts``."""

from __future__ import annotations

import asyncio
from typing import Final

import click

from outreach.domain.errors import Misconfigured
from outreach.domain.incident import SEVERITY_OF, TEST_KIND
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import print_json, say
from outreach.entrypoints.talking import open_notify

__all__ = ["alerts"]

_FAILED: Final = 1
_TITLE: Final = "outreach: a test"
_BODY: Final = "This is a test. Alerts of outreach arrive here."


@command("alerts", example="outreach alerts\noutreach alerts --test")
@click.option("--test", is_flag=True, help="Send a test message to all of alerts.urls.")
@json_option
@click.pass_obj
def alerts(given: Given, *, test: bool, as_json: bool) -> None:
    """List the kinds of alert, or send a test message.

    Exit status 1 if the test message did not reach everybody. What to do about each
    kind is in docs/operating.md.
    """
    if test:
        _test(given, as_json=as_json)
        return
    if as_json:
        print_json({kind: str(severity) for kind, severity in SEVERITY_OF.items()})
        return
    for kind, severity in SEVERITY_OF.items():
        say(f"{severity:<8}  {kind}")


def _test(given: Given, *, as_json: bool) -> None:
    notify = open_notify(given.settings)
    if notify is None:
        message = "alerts.urls is empty: set it to where people shall be told"
        raise Misconfigured(message)
    severity = SEVERITY_OF[TEST_KIND]
    reached = asyncio.run(asyncio.to_thread(notify, _TITLE, _BODY, severity))
    if as_json:
        print_json({"reached": reached})
    elif reached:
        say("the test message was taken by every service")
    else:
        say("not every service took the test message: look at alerts.urls")
    if not reached:
        raise click.exceptions.Exit(_FAILED)
