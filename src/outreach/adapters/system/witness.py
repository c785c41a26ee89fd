"""How far the database has come, kept in a file: the witness of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from outreach.domain.errors import Unavailable

__all__ = ["FileWitness"]


@frozen
class FileWitness:
    """Implements `outreach.ports.instance.Witness`: JSON, replaced as a whole.

    Several processes may share it; of two that write at once the later one may put
    back the other's step, which the next one makes good.

    Attributes:
        path: its folder is made; a file that cannot be read knows nothing.
    """

    path: Path

    async def seen(self) -> Mapping[str, int]:
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            return {str(lineage): int(position) for lineage, position in kept.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    async def saw(self, lineage: str, position: int) -> None:
        seen = dict(await self.seen())
        if seen.get(lineage, -1) >= position:
            return
        seen[lineage] = position
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(seen), "utf-8")
            fresh.replace(self.path)
        except OSError as error:
            message = f"{self.path} cannot be written: {error.strerror}"
            raise Unavailable(message) from error
