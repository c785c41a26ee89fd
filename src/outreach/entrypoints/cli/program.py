"""The root of all commands: loads only the one that is called, and ends in order.

Whatever the package raises on purpose is one line on standard error. The exit status
says what kind it was:

- 2: what was given must change: an argument, a file, a setting
- 1: it failed: a server does not answer, the database is not migrated, there is no
  such lead, the journey does not allow it, or a defect
- 130: ended by Ctrl-C
"""

from __future__ import annotations

import io
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn

import click

from outreach.domain.errors import Misconfigured, NotMigrated, OutreachError
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.screen import complain

__all__ = ["COMMANDS", "Program", "main", "program"]

_FAILED: Final = 1
_WRONG: Final = 2
_INTERRUPTED: Final = 130

_HERE: Final = "outreach.entrypoints.cli"
COMMANDS: Final = {
    "run": ("run:run", "Everything at once: stores, web app, worker, provider."),
    "worker": ("worker:worker", "Send and take in what comes back, until stopped."),
    "web": ("web:web", "Serve webhooks, health and metrics."),
    "migrate": ("migrate:migrate", "Bring the database up to date."),
    "leads": ("leads:leads", "Import leads, and take a wrong bounce back."),
    "enroll": ("enroll:enroll", "Enrol the leads in a sequence."),
    "plan": ("plan:plan_command", "Say whether phones can do what is asked of them."),
    "simulate": ("simulate:simulate", "Play weeks of a campaign before it is sent."),
    "why": ("why:why", "Say why a lead was, or was not, written to."),
    "status": ("status:status", "Show what is going on."),
    "doctor": ("doctor:doctor", "Check this installation, one thing after another."),
    "audit": ("audit:audit", "Check what must always hold, over the stored facts."),
    "alerts": ("alerts:alerts", "List the kinds of alert, or send a test message."),
    "suppress": ("suppress:suppress", "Never contact these addresses again."),
    "consents": (
        "consents:consents",
        "Record what people agreed to, and have it confirmed.",
    ),
    "stop": ("switch:stop", "Stop sending: everything, or a part of it."),
    "resume": ("switch:resume", "Let go on what was stopped."),
    "confirm-restore": (
        "confirm_restore:confirm_restore",
        "Let go on what a restored database holds.",
    ),
    "phones": ("senders:phones", "Import, list, pause and resume phones."),
    "mailboxes": (
        "senders:mailboxes",
        "Import, list, pause and resume mailboxes.",
    ),
    "lanes": ("lanes:lanes", "Show each phone's line, and what keeps it."),
    "campaigns": (
        "campaigns:campaigns",
        "Show campaigns, their mail, breakers, and provider's campaigns.",
    ),
    "templates": (
        "templates:templates",
        "Check texts, alone and against a list; compare their versions.",
    ),
    "intros": (
        "intros:intros",
        "Have sentences about leads written ahead, and approve them.",
    ),
    "webhooks": ("webhooks:webhooks", "Take stored events in again, or compare."),
    "reviews": ("reviews:reviews", "Decide what waits for a person."),
}
"""Name to place and summary, so that a list of commands imports none of them."""

_EPILOG: Final = """\
\b
Example:
  outreach run --leads leads.csv --sequence sequence.toml --senders phones.toml

\b
Exit status: 0 done, 1 failed, 2 wrong usage or input, 130 ended by Ctrl-C.
Settings come from outreach.toml, and OUTREACH_... over it. While neither
OUTREACH_DATABASE_URL nor OUTREACH_REDIS_URL is set, a PostgreSQL and a Valkey
of our own are found or started below OUTREACH_DATA_DIR.
"""


class Program(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"{_HERE}.{module}"), name)
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """See click; always ends the process, with the status of this package."""
        extra |= {"standalone_mode": False}
        try:
            status = super().main(*args, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            status = _WRONG
        except click.UsageError as error:
            where = "outreach" if error.ctx is None else error.ctx.command_path
            complain(f"{error.format_message()} ({where} --help)")
            status = _WRONG
        except click.ClickException as error:
            complain(error.format_message())
            status = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            complain("ended by Ctrl-C")
            status = _INTERRUPTED
        except OutreachError as error:
            complain(str(error))
            status = _status(error)
        sys.exit(status)


def _status(error: OutreachError) -> int:
    wrong = isinstance(error, Misconfigured) and not isinstance(error, NotMigrated)
    return _WRONG if wrong else _FAILED


@click.group(cls=Program, epilog=_EPILOG)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file; else OUTREACH_CONFIG, else outreach.toml if it is there.",
)
@click.option("--debug", is_flag=True, help="Show where a defect of ours happened.")
@click.version_option(package_name="outreach", message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context, *, config: Path | None, debug: bool) -> None:
    """Cold outreach that says what it will do and explains what it did."""
    ctx.obj = Given(config)
    if debug:
        sys.excepthook = sys.__excepthook__


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.excepthook = _defect
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter of a lead's name shows its number.
            stream.reconfigure(errors="backslashreplace")
    program.main(prog_name="outreach")


def _defect(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    del where
    says = traceback.format_exception_only(kind, error)[-1].strip()
    complain(f"a defect: {says}; outreach --debug ... shows where it happened")
