"""Secrets the engine makes for itself, kept sealed in the database."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from outreach.adapters.postgres.secrets import KeptSecrets
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.own_keys import sealing_keys
from outreach.entrypoints.providers import as_set
from outreach.entrypoints.settings import Secret

__all__ = ["webhook_tokens"]

_TOKEN_BYTES: Final = 32


async def webhook_tokens(
    engine: Engine, data_dir: Path
) -> Mapping[str, tuple[Secret, ...]]:
    """Tokens of each provider's webhooks, newest first; made and stored if unset."""
    found: dict[str, tuple[Secret, ...]] = {}
    for name, provider in as_set(engine.settings).items():
        if provider.signs or provider.reader is None:
            continue  # it vouches for its deliveries by itself, or has none
        given = engine.settings.table(name).webhook_secret.reveal
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
