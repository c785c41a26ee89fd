"""The login of a mailbox of our own, as a row of a senders file names it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from outreach.domain.errors import Misconfigured
from outreach.domain.login import Login, Security

__all__ = ["LOGIN_KEYS", "login_of"]

_PASSWORDS: Final = ("password", "password_env", "password_file")
LOGIN_KEYS: Final = ("host", "port", "user", *_PASSWORDS, "security", "name")
"""Of a row; a password is given itself, or by where it is."""


def login_of(row: Mapping[str, Any], where: str) -> Login | None:
    """What the row says of its login; None: nothing, so it is as `[smtp]` has it.

    Args:
        where: the row, for messages; no password is in one.

    Raises:
        Misconfigured: names the key and the way out.
    """
    if not row.keys() & set(LOGIN_KEYS):
        return None
    try:
        return Login(
            host=row.get("host", ""),
            port=row.get("port", 0),
            user=row.get("user", ""),
            password=_password(row, where),
            name=row.get("name", ""),
            security=_security(row, where),
        )
    except ValueError as error:
        message = f"{where}: {error}"
        raise Misconfigured(message) from None


def _password(row: Mapping[str, Any], where: str) -> str:
    named = [key for key in _PASSWORDS if row.get(key)]
    if not named:
        return ""
    if len(named) > 1:
        message = f"{where}: {named[0]} and {named[1]} are one thing: leave one out"
        raise Misconfigured(message)
    source, value = named[0], str(row[named[0]])
    if source == "password":
        return value
    if source == "password_env":
        if found := os.environ.get(value):
            return found
        message = f"{where}: password_env {value!r} is not set in the environment"
        raise Misconfigured(message)
    try:
        return Path(value).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{where}: password_file {value!r} cannot be read"
        raise Misconfigured(message) from error


def _security(row: Mapping[str, Any], where: str) -> Security | None:
    text = row.get("security", "")
    if not text:
        return None
    try:
        return Security(text)
    except ValueError as error:
        message = f"{where}: security {text!r}: give {', '.join(Security)}"
        raise Misconfigured(message) from error
