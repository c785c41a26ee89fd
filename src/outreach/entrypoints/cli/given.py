"""What stands before the name of a command, and what follows from it."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import define, field

from outreach.entrypoints.embedded import default_data_dir
from outreach.entrypoints.settings import Settings, load

__all__ = ["Given"]


@define
class Given:
    """The options of all commands.

    Attributes:
        config: the settings file, if one was named.
        debug: a defect shows where it happened.
    """

    config: Path | None = None
    debug: bool = False
    _settings: Settings | None = field(default=None, init=False)

    @property
    def settings(self) -> Settings:
        """File and environment, read once.

        Raises:
            Misconfigured: see `outreach.entrypoints.settings.load`.
        """
        if self._settings is None:
            self._settings = load(os.environ, config=self.config)
        return self._settings

    @property
    def data_dir(self) -> Path:
        """Where servers and logs are kept; it need not exist.

        Raises:
            Misconfigured: there is no home folder to put it in.
        """
        named = self.settings.data_dir
        return Path(named).absolute() if named else default_data_dir(os.environ)
