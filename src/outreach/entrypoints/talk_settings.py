"""Settings of the model and of alerts, and the type of what is never printed."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

__all__ = ["AlertSettings", "ModelSettings", "Secret"]

_LONGEST_CALL_S: Final = 20
"""Seconds; a reply that waits longer for a model would hold up what comes after."""
_ANSWERS: Final = ("person", "templates")


@frozen
class Secret:
    """A value that is never printed."""

    reveal: str = field(repr=lambda _: "***")

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self.reveal)


@frozen
class ModelSettings:
    """The default tenant's model: an OpenAI-compatible API; none: the rules alone.

    Attributes:
        api_key: may be anything where the server asks for none.
        base_url: empty: the vendor's own.
        model: its name; empty: no model is used.
        timeout: seconds for one call.
        calls_per_minute, calls_per_day: over all workers.
        answers: ``person``: every drafted answer waits for a person; ``templates``:
            approved templates with clean slots go out by themselves.
    """

    api_key: Secret = Secret("")
    base_url: str = field(default="")
    model: str = ""
    timeout: float = field(default=10.0)
    calls_per_minute: int = field(default=60)
    calls_per_day: int = field(default=5_000)
    answers: str = field(default="person")

    @base_url.validator
    def _url(self, _: object, url: str) -> None:
        if url and urlsplit(url).scheme not in {"http", "https"}:
            message = "it must begin with https:// (or http:// on loopback)"
            raise ValueError(message)

    @timeout.validator
    def _seconds(self, _: object, seconds: float) -> None:
        if not 0 < seconds <= _LONGEST_CALL_S:
            message = f"timeout {seconds} is not allowed: give up to {_LONGEST_CALL_S}"
            raise ValueError(message)

    @calls_per_minute.validator
    @calls_per_day.validator
    def _calls(self, _: object, calls: int) -> None:
        if calls < 0:
            message = f"{calls} calls cannot be: give 0 or more"
            raise ValueError(message)

    @answers.validator
    def _who(self, _: object, who: str) -> None:
        if who not in _ANSWERS:
            message = f"answers {who!r} is not known: {' or '.join(_ANSWERS)}"
            raise ValueError(message)

    @property
    def on(self) -> bool:
        """A model is used."""
        return bool(self.api_key) and bool(self.model)

    def __attrs_post_init__(self) -> None:
        """Refuse half a model."""
        if bool(self.api_key) != bool(self.model):
            one, other = "api_key", "model"
            if self.model:
                one, other = other, one
            message = f"openai.{one} is set and openai.{other} is not: set both"
            raise ValueError(message)


@frozen
class AlertSettings:
    """Where people are told.

    Attributes:
        urls: of apprise (Slack, Discord, SMS, mail ...); they hold secrets. In the
            environment they are separated by blanks. None: only the log tells.
    """

    urls: tuple[Secret, ...] = ()
