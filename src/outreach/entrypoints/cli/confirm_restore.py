"""``outreach confirm-restore``: a person has looked at a restored database."""

from __future__ import annotations

import click
from attrs import asdict

from outreach.domain.errors import NotFound
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import by_option, command, json_option
from outreach.entrypoints.cli.screen import local, print_json, say
from outreach.entrypoints.engine import Engine
from outreach.ports.instance import Confirmed

__all__ = ["confirm_restore"]


@command(
    "confirm-restore",
    example="""\
outreach status
outreach confirm-restore --reason "backup of 12:00; the phones sent nothing since\"""",
)
@click.option("--reason", required=True, help="For the record.")
@by_option
@json_option
@click.pass_obj
def confirm_restore(given: Given, *, reason: str, by: str, as_json: bool) -> None:
    """Let go on what a restored or copied database holds.

    What went out after the backup is not in it and would be sent once more: look at
    the phones first, and stop (outreach suppress, outreach stop) what must not go out
    again. Calls that were under way at the backup become unknown and are looked up;
    every guard is rebuilt.
    """

    async def work(engine: Engine) -> Confirmed:
        parts = engine.container
        done: Confirmed | None = await parts.instance().confirm(reason=reason, by=by)
        if done is None:
            message = "nothing is held: this database goes on where it was"
            raise NotFound(message)
        await parts.watch_instance()()
        await engine.bell.ring()
        return done

    done = with_engine(given, work)
    if as_json:
        print_json(asdict(done))
        return
    zone = given.settings.tenant.time_zone
    say(
        f"Goes on, by {by}: {reason}",
        f"It was held because {done.why}. It stands as of "
        f"{local(done.stands_on, zone)} {zone}; {done.calls} calls of then are unknown "
        "and will be looked up.",
    )
