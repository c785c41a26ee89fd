"""The kit proves what is right, and names the promise that is broken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pigeon_post
import pytest
from attrs import evolve
from pigeon_post import PigeonGateway, PigeonReader, PigeonSignatures
from pigeon_wire import DELIVERIES, PigeonWire, adapter
from tests.contract import resend_account, timelines_workspace
from tests.contract.test_gateway import in_memory

from outreach.domain.errors import Misconfigured
from outreach.domain.event import SystemEvent
from outreach.domain.message import Answer, NotAccepted, Parcel, UnknownOutcome
from outreach.testing.gateway_stops import CAMPAIGN
from outreach.testing.kit import Adapter, claims, load, over_http, promises, prove

ROOT: Final = Path(pigeon_post.__file__).parent
PATIENCE_S: Final = 240


@asynccontextmanager
async def _memory() -> AsyncIterator[Any]:
    yield in_memory(campaign=str(CAMPAIGN))


OURS: Final = (
    Adapter(name="memory", bench=_memory, known_by_content=True),
    Adapter(name="timelinesai", bench=timelines_workspace.opened),
    Adapter(name="resend", bench=resend_account.opened, holds=False),
)


@pytest.mark.parametrize("ours", OURS, ids=lambda one: one.name)
async def test_our_own_adapters_are_held_to_the_kit(ours: Adapter) -> None:
    report = await prove(ours)

    assert report.right, str(report)
    assert {one.promise.ability for one in report.kept} == await claims(ours)


async def test_the_example_keeps_every_promise_of_what_it_claims() -> None:
    report = await prove(adapter())

    assert report.right, str(report)
    assert await claims(adapter()) == {"Gateway", "LooksUp", "Reads", "Authenticates"}
    assert "LooksUp           4 promises kept" in str(report)
    assert "TakesBack         -" in str(report)


# --- adapters that are wrong


class Hopeful(PigeonGateway):
    """Takes what it does not know for not sent."""

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        answer = await super().send(parcel, within)
        hopes = isinstance(answer, UnknownOutcome)
        return NotAccepted(lane=True) if hopes else answer


class Eager(PigeonGateway):
    """Tries again."""

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        answer = await super().send(parcel, within)
        again = isinstance(answer, NotAccepted)
        return await super().send(parcel, within) if again else answer


class Loud(PigeonGateway):
    """Lets the line speak for itself."""

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        answer = await super().send(parcel, within)
        if isinstance(answer, UnknownOutcome):
            raise httpx.ReadError(answer.detail)
        return answer


class Telltale(PigeonGateway):
    """Quotes."""

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        answer = await super().send(parcel, within)
        unknown = isinstance(answer, UnknownOutcome)
        return UnknownOutcome(f"to {parcel.to}") if unknown else answer


def made_by(kind: type[PigeonGateway]) -> Adapter:
    @asynccontextmanager
    async def opens(url: str) -> AsyncIterator[PigeonGateway]:
        async with pigeon_post.opened(url, "crumbs") as right:
            yield kind(right._client)

    def bench() -> AbstractAsyncContextManager[Any]:
        return over_http(PigeonWire(), opens)

    return Adapter(name=kind.__name__, bench=bench)


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (Hopeful, "Gateway: what may have been accepted is unknown"),
        (Hopeful, "Gateway: what was accepted is never called not accepted"),
        (Eager, "Gateway: one request per call whatever becomes of it"),
        (Loud, "Gateway: nothing the provider or the network does is raised"),
        (Telltale, "Gateway: no answer quotes a number or a text"),
    ],
)
async def test_a_broken_adapter_fails_by_the_name_of_the_promise(
    kind: type[PigeonGateway], promise: str
) -> None:
    wrong = made_by(kind)
    (held,) = [one for one in await promises(wrong) if one.name == promise]

    with pytest.raises((AssertionError, httpx.HTTPError)):
        await held.keep()


class Clockwork(PigeonReader):
    """Makes its keys of what came before."""

    def __init__(self) -> None:
        self.count = 0

    def read(self, raw: bytes) -> list[SystemEvent]:
        self.count += 1
        return [evolve(one, key=f"{self.count}") for one in super().read(raw)]


class Fragile(PigeonReader):
    """Believes what it reads."""

    def read(self, raw: bytes) -> list[SystemEvent]:
        raw.decode()
        return list(super().read(raw))


class Trusting(PigeonSignatures):
    """Looks at the head only."""

    def is_theirs(self, headers: Any, raw: bytes, now: Any) -> bool:
        del raw
        return self.may_be(headers, now)


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"reader": Clockwork}, "Reads: different events have different keys"),
        ({"reader": Fragile}, "Reads: a malformed webhook raises nothing"),
        ({"samples": ()}, "Reads: every sample says what it says"),
        (
            {"checks": Trusting(["loft"])},
            "Authenticates: another body is not theirs",
        ),
    ],
)
async def test_broken_webhooks_fail_by_the_name_of_the_promise(
    changes: dict[str, Any], promise: str
) -> None:
    wrong = evolve(adapter(), deliveries=evolve(DELIVERIES, **changes))
    (held,) = [one for one in await promises(wrong) if one.name == promise]

    with pytest.raises((AssertionError, UnicodeDecodeError)):
        await held.keep()


async def test_an_ability_that_the_bench_cannot_prove_is_not_proven() -> None:
    class Listed(PigeonGateway):
        async def register(self, url: str) -> None:
            del url

    report = await prove(made_by(Listed))

    assert not report.right
    assert any("ReceivesWebhooks" in one.promise.name for one in report.broken)


# --- as a stranger runs it


def run(*args: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:valkey", "-q", *args],
        capture_output=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{':'.join(sys.path)}"},
        text=True,
        timeout=PATIENCE_S,
    )


def test_pytest_runs_the_kit_alone_and_prints_what_the_adapter_can(
    tmp_path: Path,
) -> None:
    done = run("--outreach-adapter", "pigeon_wire:adapter", folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Pigeon Post: what it can do" in done.stdout
    assert "29 passed" in done.stdout


def test_pytest_names_the_promise_that_a_sample_breaks(tmp_path: Path) -> None:
    (tmp_path / "hopeful.py").write_text(HOPEFUL)

    done = run("--outreach-adapter", "hopeful:adapter", folder=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "what may have been accepted is unknown" in done.stdout
    assert "promises BROKEN" in done.stdout


HOPEFUL: Final = """
from attrs import evolve
from pigeon_post import PigeonGateway, opened
from pigeon_wire import PigeonWire, adapter as right
from contextlib import asynccontextmanager
from outreach.domain.message import NotAccepted, UnknownOutcome
from outreach.testing.kit import over_http

class Hopeful(PigeonGateway):
    async def send(self, parcel, within):
        answer = await super().send(parcel, within)
        return NotAccepted(lane=True) if isinstance(answer, UnknownOutcome) else answer

@asynccontextmanager
async def opens(url):
    async with opened(url, "crumbs") as gateway:
        yield Hopeful(gateway._client)

def adapter():
    return evolve(right(), bench=lambda: over_http(PigeonWire(), opens))
"""


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("pigeon_wire", "names no adapter"),
        ("dovecote:adapter", "No module named 'dovecote'"),
        ("pigeon_wire:eagle", "has no 'eagle'"),
        ("pigeon_wire:PigeonWire", "gives PigeonWire"),
    ],
)
def test_what_is_no_adapter_is_told_with_the_way_out(where: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        load(where)


def test_a_wrong_name_on_the_command_line_is_wrong_usage(tmp_path: Path) -> None:
    done = run("--outreach-adapter", "dovecote:adapter", folder=tmp_path)

    assert done.returncode == 4
    assert "No module named 'dovecote'" in done.stderr


def test_tests_that_are_named_run_beside_the_kit(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")

    both = run("--outreach-adapter", "pigeon_wire:adapter", ".", folder=tmp_path)
    own = run(".", folder=tmp_path)

    assert "30 passed" in both.stdout, both.stdout
    assert "1 passed" in own.stdout, own.stdout
