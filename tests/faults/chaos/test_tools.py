"""The tools of the chaos run do what they say."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from random import Random
from typing import Final

import pytest
from attrs import fields
from tests.faults.chaos.line import Line, Plan
from tests.faults.chaos.points import Points, Rule, Watched
from tests.faults.chaos.scale import ENGINE, KEPT, MACHINE, times_here

from outreach.domain.errors import AnswerLost
from outreach.domain.timing import Timing

BODY: Final = b"x" * 1000


class Port:
    """One verb that counts how often it happened."""

    happened = 0

    async def verb(self, by: int) -> int:
        self.happened += by
        return self.happened


def watched(port: Port, *rules: str) -> Watched:
    points = Points([Rule.parse(rule) for rule in rules], Random(1))
    return Watched(port, {"verb": "VERB"}, points)


async def test_a_lost_answer_is_lost_after_the_verb_has_happened() -> None:
    port = Port()
    struck = watched(port, "VERB.after:2:lost")

    first = await struck.verb(1)
    with pytest.raises(AnswerLost):
        await struck.verb(1)
    third = await struck.verb(1)

    assert (first, third) == (1, 3)


@pytest.mark.parametrize(("moment", "happens"), [("before", 0), ("after", 1)])
def test_a_process_is_killed_where_the_rule_says(
    moment: str, happens: int, tmp_path: Path
) -> None:
    told = tmp_path / "told"

    class Telling(Port):
        async def verb(self, by: int) -> int:
            with told.open("a") as file:
                file.write("x" * by)
            return by

    pid = os.fork()
    if pid == 0:
        port = watched(Telling(), f"VERB.{moment}:2:kill")
        asyncio.run(_twice(port))
        os._exit(0)
    _, status = os.waitpid(pid, 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert told.read_text() == "x" * (1 + happens)


async def _twice(port: Watched) -> None:
    await port.verb(1)
    await port.verb(1)


def test_a_rule_reads_as_it_is_written() -> None:
    assert str(Rule.parse("T1.after:17:stop")) == "T1.after:17:stop"
    assert Rule.parse("T1.after:*:lost").passing is None
    with pytest.raises(ValueError, match="an action is one of"):
        Rule.parse("T1.after:1:faint")


async def through(fault: str, folder: Path, *, seed: int = 0) -> tuple[bytes, bytes]:
    """What comes to a server, and what comes back, over a line with a fault."""
    came = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(4096):
            came.extend(piece)
        writer.write(b"thanks")
        writer.close()

    far, at = str(folder / f"far{seed}"), str(folder / f"near{seed}")
    server = await asyncio.start_unix_server(serve, far)
    plan = Plan(far, {fault: 1.0}, seed=seed, most_bytes=100, silence_s=0.05)
    line = Line(plan)
    near = await line.serve(at)
    reader, writer = await asyncio.open_unix_connection(at)
    writer.write(BODY)
    writer.write_eof()
    back = await reader.read() if fault != "half-close" else b""
    writer.close()
    await asyncio.sleep(0.02)
    near.close()
    server.close()
    assert line.met[fault or "good"] == 1
    return bytes(came), back


async def test_a_good_line_carries_all(short_path: Path) -> None:
    assert await through("", short_path) == (BODY, b"thanks")


async def test_latency_loses_nothing(short_path: Path) -> None:
    assert await through("latency", short_path) == (BODY, b"thanks")


@pytest.mark.parametrize("fault", ["cut", "silence", "half-close"])
async def test_a_torn_line_carries_the_beginning_and_no_more(
    fault: str, short_path: Path
) -> None:
    """Which direction is struck is drawn: among eight lines there are both."""
    came = [(await through(fault, short_path, seed=seed))[0] for seed in range(8)]

    assert all(BODY.startswith(part) for part in came)
    assert {len(part) == len(BODY) for part in came} == {True, False}
    assert min(map(len, came)) <= 100


def test_every_duration_is_of_one_of_the_two_times() -> None:
    assert {one.name for one in fields(Timing)} == {*MACHINE, *ENGINE, *KEPT}


def test_the_scale_follows_the_load_and_the_environment() -> None:
    assert times_here({"OUTREACH_TEST_CHAOS_TIMES": "7"}) == 7
    assert 10 <= times_here({}) <= 50
