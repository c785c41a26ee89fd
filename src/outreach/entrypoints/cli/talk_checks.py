"""What `doctor` looks at beside providers: the model, and who is told of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.cli.checks import base_url
from outreach.entrypoints.cli.finding import Finding, Level
from outreach.entrypoints.settings import Settings
from outreach.entrypoints.talking import open_notify

__all__ = ["of_alerts", "of_model"]


def of_model(settings: Settings) -> Iterator[Finding]:
    """Whether a model reads replies, and what it may do."""
    model = settings.openai
    if not model.on:
        yield Finding("model", Level.OK, "none: replies are read by the rules alone")
        return
    address = base_url("openai", model.base_url)
    if address.level is not Level.OK:
        yield address
    says = (
        f"{model.model}; at most {model.calls_per_minute} calls a minute and "
        f"{model.calls_per_day} a day; answers: {model.answers}"
    )
    if find_spec("openai") is None:
        way = "pip install 'outreach[model]'"
        yield Finding("model", Level.FAIL, "openai is not installed", way)
    else:
        yield Finding("model", Level.OK, says)


def of_alerts(settings: Settings) -> Iterator[Finding]:
    """Whether anybody is told; no URL is shown."""
    count = len(settings.alerts.urls)
    if not count:
        yield Finding(
            "alerts",
            Level.WARN,
            "nobody is told: alerts are lines of the log",
            "set alerts.urls, then: outreach alerts --test",
        )
        return
    try:
        open_notify(settings)
    except Misconfigured as error:
        yield Finding("alerts", Level.FAIL, str(error), "correct alerts.urls")
    else:
        way = "outreach alerts --test shows whether they arrive"
        yield Finding("alerts", Level.OK, f"{count} addresses are told", way)
