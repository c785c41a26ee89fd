"""``python -m outreach.entrypoints.embedded discard FOLDER``: for the Makefile."""

from __future__ import annotations

import sys
from pathlib import Path

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.embedded.launcher import discard

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Empty a data folder; the exit status: 0 done, 1 failed, 2 wrong usage."""
    match arguments:
        case ["discard", folder]:
            try:
                discard(Path(folder))
            except Misconfigured as error:
                sys.stderr.write(f"{error}\n")
                return 1
            return 0
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
