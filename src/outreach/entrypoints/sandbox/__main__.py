"""`python -m outreach.entrypoints.sandbox`: start one from the command line."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import sys
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from outreach.entrypoints.sandbox.behaviour import (
    PROFILES,
    BadBehaviour,
    Behaviour,
    parse_knob,
    read_file,
)
from outreach.entrypoints.sandbox.journal import Busy
from outreach.entrypoints.sandbox.server import Options, serve
from outreach.entrypoints.sandbox.vendor import OtherSeed, Plan
from outreach.entrypoints.sandbox.world import clean_phone

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop. Gives the exit status: 0 done, 1 failed, 2 misused."""
    options = _options(arguments)
    try:
        asyncio.run(serve(options))
    except (Busy, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    except OtherSeed as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m outreach.entrypoints.sandbox",
        description="A server on 127.0.0.1 that speaks the wires of TimelinesAI, "
        "Instantly and Resend and behaves like a population of prospects. Nothing "
        "leaves this machine.",
        epilog="Example: python -m outreach.entrypoints.sandbox --log accepted.jsonl "
        "--seed 1 --speed 600 --account +40720000001",
    )
    parser.add_argument("--log", type=Path, required=True, help="file of acceptances")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0, help="engine s per s")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="default")
    parser.add_argument("--behaviour", type=Path, help="TOML with knobs")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KNOB=VALUE", dest="knobs"
    )
    parser.add_argument("--account", action="append", default=[], metavar="PHONE")
    parser.add_argument("--accounts", type=Path, help="JSON list of phones")
    parser.add_argument("--mailbox", action="append", default=[], metavar="ADDRESS")
    parser.add_argument("--domain", action="append", default=[], metavar="NAME")
    parser.add_argument(
        "--begin", type=_time, metavar="ISO-TIME", help="engine time to begin at"
    )
    parser.add_argument("--time-zone", default="Europe/Bucharest")
    parser.add_argument("--token", help="made and kept if not given")
    parser.add_argument("--announce", default="stdout", help="a file, or stdout")
    parser.add_argument("--parent-pid", type=int, help="die when it dies")
    given = parser.parse_args(arguments)
    if given.speed <= 0:
        parser.error(f"--speed must be above 0, not {given.speed}")
    try:
        plan = Plan(
            seed=given.seed,
            speed=given.speed,
            behaviour=_behaviour(given),
            zone=zoneinfo.ZoneInfo(given.time_zone),
            accounts=_accounts(given),
            token=given.token,
            mailboxes=tuple(given.mailbox),
            domains=tuple(given.domain),
            begin_s=given.begin,
        )
    except (ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
        parser.error(str(error))
    return Options(
        log=given.log,
        port=given.port,
        plan=plan,
        announce=None if given.announce == "stdout" else Path(given.announce),
        parent_pid=given.parent_pid,
    )


def _time(text: str) -> float:
    at = dt.datetime.fromisoformat(text)
    if at.tzinfo is None:
        message = f"{text!r} has no offset"
        raise argparse.ArgumentTypeError(message)
    return at.timestamp()


def _behaviour(given: argparse.Namespace) -> Behaviour:
    knobs: dict[str, Any] = {}
    if given.behaviour is not None:
        knobs |= read_file(given.behaviour)
    for text in given.knobs:
        knobs |= parse_knob(text)
    try:
        return PROFILES[given.profile].changed(knobs)
    except BadBehaviour as error:
        where = given.behaviour or "--set"
        message = f"{where}: {error}"
        raise BadBehaviour(message) from error


def _accounts(given: argparse.Namespace) -> tuple[str, ...]:
    typed: list[object] = list(given.account)
    if given.accounts is not None:
        try:
            listed = json.loads(given.accounts.read_bytes())
        except (OSError, ValueError) as error:
            message = f"--accounts {given.accounts}: {error}"
            raise ValueError(message) from error
        if not isinstance(listed, list):
            message = f"--accounts {given.accounts} must hold a list of phones"
            raise ValueError(message)
        typed += listed
    phones = []
    for one in typed:
        phone = clean_phone(one)
        if phone is None:
            message = f"account {one!r} is no international phone number"
            raise ValueError(message)
        phones.append(phone)
    return tuple(dict.fromkeys(phones))


if __name__ == "__main__":
    sys.exit(main())
