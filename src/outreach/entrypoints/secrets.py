"""Secrets the engine makes for itself, kept sealed in the database."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet

from outreach.adapters.postgres.secrets import KeptSecrets
from outreach.entrypoints.engine import PROVIDERS, SIGNERS, Engine
from outreach.entrypoints.settings import Secret, Settings

__all__ = ["sealing_keys", "webhook_tokens"]

_TOKEN_BYTES: Final = 32
_KEY_FILE: Final = "secret.key"


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


async def webhook_tokens(
    engine: Engine, data_dir: Path
) -> Mapping[str, tuple[Secret, ...]]:
    """Tokens of each provider's webhooks, newest first; made and stored if unset."""
    found: dict[str, tuple[Secret, ...]] = {}
    for name in PROVIDERS:
        if name in SIGNERS:
            continue  # it vouches for its deliveries by itself
        given = getattr(engine.settings, name).webhook_secret.reveal
        if given:
            parts = tuple(part.strip() for part in given.split(",") if part.strip())
        else:
            keys = sealing_keys(engine.settings, data_dir)
            kept = KeptSecrets(engine.container.database(), keys)
            made = await kept.make(
                f"webhook/{name}", lambda: secrets.token_urlsafe(_TOKEN_BYTES)
            )
            parts = (made,)
        found[name] = tuple(Secret(part) for part in parts)
    return found
