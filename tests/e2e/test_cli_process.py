"""The command as a process of its own, with embedded servers: signals and streams."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.command_line import spawn
from tests.servers import open_folder

from outreach.entrypoints.embedded import discard

PATIENCE_S = 60
LEADS = "denumire;telefon\n" + "".join(
    f"Agro {n} SRL;07400001{n:02d}\n" for n in range(10)
)
PHONES = "".join(
    f'[[sender]]\nphone = "+4074000000{n}"\ndaily_limit = 3\n' for n in (1, 2)
)
SEQUENCE = """\
[sequence]
name = "Spring"
[[step]]
channel = "WHATSAPP"
template = "intro"
[[template]]
name = "intro"
content = "{Salut|Bună}, {{company_name}}!"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that is not made yet; its servers are stopped in the end."""
    with open_folder() as parent:
        yield parent / "data"
        discard(parent / "data" / "servers")


@contextmanager
def started(
    *args: str, until: str, data_dir: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has said *until* on standard error, with that line."""
    env = {"OUTREACH_DATA_DIR": str(data_dir), "OUTREACH_WEB_PORT": "0"}
    process = spawn(*args, env=env)
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if until in line:
                break
        else:
            pytest.fail("".join(said))
        yield process, said[-1]
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], by: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(by)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def test_worker_and_web_share_servers_and_end_in_order(folder: Path) -> None:
    with (
        started("worker", until="working", data_dir=folder) as (worker, _),
        started("worker", until="working", data_dir=folder) as (other, _),
        started("web", until="serving", data_dir=folder) as (web, line),
    ):
        address = re.search(r"http://[\d.:]+", line)
        assert address is not None
        with urllib.request.urlopen(f"{address[0]}/healthz", timeout=5) as answer:
            healthy = answer.status
        status = spawn("status", "--json", env={"OUTREACH_DATA_DIR": str(folder)})
        out, _ = status.communicate(timeout=PATIENCE_S)

        assert healthy == 200
        assert json.loads(out)["phones"] == []
        assert ended(web, signal.SIGTERM)[0] == 0
        assert ended(worker, signal.SIGTERM)[0] == 0
        code, _, err = ended(other, signal.SIGINT)
        assert code == 130
        assert "Traceback" not in err


def test_a_run_reports_to_people_and_programs_and_goes_on_after_ctrl_c(
    folder: Path, tmp_path: Path
) -> None:
    for name, text in (
        ("leads.csv", LEADS),
        ("phones.toml", PHONES),
        ("sequence.toml", SEQUENCE),
    ):
        (tmp_path / name).write_text(text, "utf-8")
    files = [f"--leads={tmp_path}/leads.csv", f"--senders={tmp_path}/phones.toml"]
    files += [f"--sequence={tmp_path}/sequence.toml", "--speed=1500"]
    env = {"OUTREACH_DATA_DIR": str(folder), "OUTREACH_WEB_PORT": "0"}

    first = spawn(
        *("run", *files, "--from=2026-03-02T09:00", "--until=2026-03-02T10:00"),
        "--json=-",
        env=env,
    )
    out, err = first.communicate(timeout=PATIENCE_S)

    summary = json.loads(out)
    assert first.returncode == 0, err
    assert summary["imported"] == 10
    assert summary["enrolled"] == 10
    assert {one["phone"]: one["new"] for one in summary["phones"]} == {
        "+40740000001": 3,
        "+40740000002": 3,
    }
    assert f"log in {folder}" in err

    with started(
        *("run", *files, f"--json={tmp_path}/summary.json"),
        until="enrolled",
        data_dir=folder,
    ) as (second, _):
        code, out, err = ended(second, signal.SIGINT)

    assert code == 130
    assert "Traceback" not in err
    assert "+40740000001" in out
    assert max(map(len, out.splitlines())) <= 80
    again = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (again["imported"], again["unchanged"]) == (0, 10)
