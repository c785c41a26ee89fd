"""The sandbox as a process: what it wrote holds, whatever ends it."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.adapters.sandbox_in_process import ACCOUNTS

from outreach.entrypoints.sandbox import NotStarted, Sandbox, journal
from outreach.entrypoints.sandbox.__main__ import main

PHONES = [f"+4073100{n:04d}" for n in range(200)]


@contextlib.contextmanager
def _calling(box: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=box.base_url, headers={"authorization": f"Bearer {box.token}"}
    ) as client:
        yield client


def _send(client: httpx.Client, phone: str) -> httpx.Response:
    return client.post("/messages", json={"phone": phone, "text": "Bună ziua"})


def test_a_message_stands_in_the_log_before_its_answer_comes_even_if_killed(
    tmp_path: Path,
) -> None:
    answered: list[str] = []
    with Sandbox.start(tmp_path / "a.jsonl", profile="calm", accounts=ACCOUNTS) as box:

        def flood(phones: list[str]) -> None:
            with _calling(box) as client, contextlib.suppress(httpx.HTTPError):
                for phone in phones:
                    data = _send(client, phone).json()["data"]
                    answered.append(data["message_uid"])

        floods = [
            threading.Thread(target=flood, args=(PHONES[n::4],)) for n in range(4)
        ]
        for one in floods:
            one.start()
        while len(answered) < 20:
            time.sleep(0.001)
        box.kill()
        for one in floods:
            one.join()

        logged = [line["message_uid"] for line in box.accepted()]
        assert 20 <= len(answered) < len(PHONES)
        assert set(answered) <= set(logged)
        assert len(set(logged)) == len(logged)
        assert [line["n"] for line in box.accepted()] == list(range(1, len(logged) + 1))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    log = tmp_path_factory.mktemp("shared") / "a.jsonl"
    with Sandbox.start(log, profile="calm", accounts=ACCOUNTS) as box:
        yield box


@pytest.fixture
def box(shared: Sandbox) -> Iterator[Sandbox]:
    """A running sandbox on which nothing goes wrong until a test says so."""
    yield shared
    shared.change(
        lost_before=0, lost_after=0, stalled=0, slow=0, requests_per_connection=0
    )


def test_a_connection_is_lost_before_or_after_acceptance_by_reset_or_politely(
    box: Sandbox,
) -> None:
    seen = set()
    before = len(box.accepted())
    for fault in ("lost_before", "lost_after"):
        box.change(**{"lost_before": 0, "lost_after": 0, fault: 1})
        for phone in PHONES[:12]:
            accepted = len(box.accepted())
            with (
                _calling(box) as client,
                pytest.raises((httpx.NetworkError, httpx.ProtocolError)) as lost,
            ):
                _send(client, phone)
            seen.add((fault, type(lost.value).__name__))
            grown = len(box.accepted()) - accepted
            assert grown == (fault == "lost_after")

    assert seen == {
        (fault, how)
        for fault in ("lost_before", "lost_after")
        for how in ("ReadError", "RemoteProtocolError")
    }
    assert {line["answer"] for line in box.accepted()[before:]} == {"lost"}
    assert len(box.events("lost_before")) == len(box.events("lost_after")) == 12


def test_a_stalled_answer_never_comes(box: Sandbox) -> None:
    box.change(stalled=1, stall_s=0.2)
    started = time.monotonic()

    with (
        _calling(box) as client,
        pytest.raises((httpx.NetworkError, httpx.ProtocolError)),
    ):
        _send(client, PHONES[20])

    assert time.monotonic() - started >= 0.2
    assert box.accepted()[-1]["answer"] == "lost"


def test_a_caller_that_gives_up_on_a_stalled_answer_was_accepted_all_the_same(
    box: Sandbox,
) -> None:
    box.change(stalled=1, stall_s=30)

    with _calling(box) as client, pytest.raises(httpx.ReadTimeout):
        client.post("/messages", json={"phone": PHONES[21], "text": "Da?"}, timeout=0.1)

    assert box.accepted()[-1]["text"] == "Da?"


def test_a_slow_answer_comes_in_the_end(box: Sandbox) -> None:
    box.change(slow=1, slow_longest_s=0.05)

    with _calling(box) as client:
        answer = _send(client, PHONES[22])

    assert answer.status_code == 200
    assert box.accepted()[-1]["answer"] == "ok"


def test_the_edge_blocks_a_connection_after_so_many_requests(box: Sandbox) -> None:
    box.change(requests_per_connection=3)

    with _calling(box) as client:
        statuses = [client.get("/workspace").status_code for _ in range(4)]
    with _calling(box) as fresh:
        afresh = fresh.get("/workspace").status_code

    assert [*statuses, afresh] == [200, 200, 200, 403, 200]


def test_the_judge_imports_nothing_of_what_it_judges() -> None:
    folder = Path(journal.__file__).parent
    imported = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, file
                imported.add(str(node.module))

    ours = {name for name in imported if name.startswith("outreach")}
    assert all(name.startswith("outreach.entrypoints.sandbox") for name in ours)
    others = {name.split(".")[0] for name in imported - ours}
    foreign = others - sys.stdlib_module_names
    assert foreign == {"attrs", "httpx", "starlette", "uvicorn"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "rate_limit=1"], "did you mean 'rate_limited'"),
        (["--speed", "0"], "--speed must be above 0"),
        (["--account", "0720"], "'0720' is no international phone number"),
        (["--accounts", "missing.json"], "missing.json"),
        (["--behaviour", "missing.toml"], "missing.toml"),
        (["--time-zone", "Europe/Nowhere"], "Europe/Nowhere"),
        (["--profile", "nice"], "invalid choice: 'nice'"),
    ],
)
def test_a_wrong_option_is_refused_in_one_clear_line(
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--log", str(tmp_path / "a.jsonl"), *arguments])

    assert left.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.jsonl").exists()


def test_a_taken_port_is_named_and_the_status_is_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with (
            pytest.raises(NotStarted, match="in use"),
            Sandbox.start(tmp_path / "a.jsonl", port=port) as box,
        ):
            box.kill()


def test_it_outlives_a_ctrl_c_and_ends_with_status_0_when_its_parent_says_so(
    tmp_path: Path,
) -> None:
    with Sandbox.start(tmp_path / "a.jsonl") as box:
        box.process.send_signal(signal.SIGINT)
        state = box.state()

        assert box.base_url.startswith("http://127.0.0.1:")
        assert state["accepted"] == 0
    assert box.process.returncode == 0
    assert (tmp_path / "a.jsonl.stderr").read_text(encoding="utf-8") == ""


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    announce = tmp_path / "announce.json"
    program = f"""
import subprocess, sys, time, os
subprocess.Popen([sys.executable, "-m", "outreach.entrypoints.sandbox",
    "--log", {str(tmp_path / "a.jsonl")!r}, "--announce", {str(announce)!r},
    "--parent-pid", str(os.getpid())])
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        announced = _wait_for_file(announce)

        parent.kill()

        assert _is_gone(announced["pid"])


def test_a_parent_that_is_already_dead_is_noticed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as parent:
        pass
    done = subprocess.run(
        [
            *(sys.executable, "-m", "outreach.entrypoints.sandbox"),
            *("--log", str(tmp_path / "a.jsonl"), "--parent-pid", str(parent.pid)),
        ],
        stdout=subprocess.DEVNULL,
        timeout=20,
        check=False,
    )

    assert done.returncode == 0


def _wait_for_file(path: Path) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)
    announced: dict[str, Any] = json.loads(path.read_bytes())
    return announced


def _is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
            if stat.rsplit(")", 1)[1].split()[0] == "Z":  # no one to reap it here
                return True
        time.sleep(0.01)
    return False
