"""Keys of this installation: given by settings, else made once in the data folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet

from outreach.entrypoints.settings import Settings, is_loopback

__all__ = ["link_keys", "sealing_keys"]

_KEY_FILE: Final = "secret.key"


def link_keys(settings: Settings, data_dir: Path) -> tuple[str, ...]:
    """Keys that sign the links in mail, newest first; empty: none can be signed.

    A key in a data folder is of one machine, so it serves where all is on one: with
    servers of our own, or where links lead to this machine only. Else every process
    must be given the same.
    """
    if settings.embedded or settings.secret_keys or is_loopback(settings.public):
        return sealing_keys(settings, data_dir)
    return ()


def sealing_keys(settings: Settings, data_dir: Path) -> tuple[str, ...]:
    """Keys that seal stored secrets, newest first: OUTREACH_SECRET_KEYS, else a key
    of this installation's own, made once in its data folder.
    """
    given = settings.secret_keys.reveal
    if given:
        return tuple(key.strip() for key in given.split(",") if key.strip())
    return (_own_key(data_dir / _KEY_FILE),)


def _own_key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Fernet.generate_key().decode("ascii")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(made + "\n")
        return made
