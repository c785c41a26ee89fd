"""The ``outreach`` command. Exit status: 0 done, 1 failed, 2 wrong usage or input,
130 ended by Ctrl-C.
"""

from outreach.entrypoints.cli.program import main

__all__ = ["main"]
