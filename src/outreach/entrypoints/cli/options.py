"""Options that several commands share, and how a command shows its example."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

__all__ = [
    "FILE",
    "by_option",
    "command",
    "group",
    "is_file",
    "json_option",
    "override_option",
    "words",
]

FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
"""A file that must be there."""

_F = TypeVar("_F", bound=Callable[..., Any])


def command(
    name: str, *, example: str, parent: click.Group | None = None
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command whose help ends with *example*, one call per line."""
    make = click.command if parent is None else parent.command
    return make(name, epilog=_example(example))


def group(name: str, *, example: str) -> Callable[[Callable[..., Any]], click.Group]:
    """A group of commands."""
    return click.group(name, epilog=_example(example))


def _example(text: str) -> str:
    lines = "\n".join(f"  {line}" for line in text.splitlines())
    return f"\b\nExample:\n{lines}"


def json_option(wanted: _F) -> _F:
    """``--json``, as ``as_json``."""
    says = "Print JSON, for programs."
    return click.option("--json", "as_json", is_flag=True, help=says)(wanted)


def by_option(wanted: _F) -> _F:
    """``--by NAME``: who does it, for the record."""
    return click.option(
        "--by",
        default=_user,
        metavar="NAME",
        help="Who does this, for the record; else your user name here.",
    )(wanted)


def override_option(wanted: _F) -> _F:
    """``--override-capacity REASON``."""
    return click.option(
        "--override-capacity",
        metavar="REASON",
        help="Enrol although the phones cannot keep up; the reason is recorded.",
    )(wanted)


def is_file(wanted: str) -> bool:
    """A path, or what can only be meant as one."""
    return Path(wanted).is_file() or "/" in wanted or wanted.endswith(".toml")


def words(text: str | None, option: str) -> str | None:
    """*text*, which says something if it is given.

    Raises:
        BadParameter: it is blank.
    """
    if text is not None and not text.strip():
        message = "say why, in words"
        raise click.BadParameter(message, param_hint=option)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the system knows no name for this user
        return f"uid {os.getuid()}"
