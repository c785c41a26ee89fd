"""A run that is told to end, and one whose database is gone."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Final

import pytest
from tests.e2e.campaign_files import CampaignFiles, write_campaign
from tests.e2e.judging import uses
from tests.e2e.running import Home, opened_home

SPEED: Final = 1500
ENDS_WITHIN_S: Final = 30


def asked(home: Home, files: CampaignFiles) -> list[object]:
    return [
        *files.options,
        *("--speed", SPEED, "--json", home.folder.parent / "summary.json"),
        *("--from", "2026-03-03T09:00"),
    ]


def campaign(home: Home) -> CampaignFiles:
    return write_campaign(
        home.folder.parent, leads=60, phones=4, limit=200, follow_up_minutes=120
    )


def postmaster(folder: Path) -> int:
    file = folder / "servers" / "postgres" / "postmaster.pid"
    return int(file.read_text().split("\n", 1)[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_ends_its_calls_and_says_what_it_did(
    number: signal.Signals,
) -> None:
    with opened_home() as home:
        files = campaign(home)
        with home.run(*asked(home, files)) as run:
            home.has_sent(8, run)
            run.signal(number)
            status = run.status(seconds=ENDS_WITHIN_S)
            out, said = run.out, run.err + home.log
        summary = json.loads((home.folder.parent / "summary.json").read_text())
        accepted = home.accepted()
        calling = home.rows("SELECT id FROM attempts WHERE outcome = 'CALLING'")

    used = uses(accepted)
    assert status == 130
    assert calling == []
    assert summary["sent"] == {"WHATSAPP": len(accepted)}
    assert {p["phone"]: p["new"] for p in summary["phones"] if p["new"]} == {
        phone: use.new for phone, use in used.items()
    }
    assert f"{len(accepted)} messages sent" in out
    assert "Traceback" not in said


def test_a_run_whose_database_dies_says_so_and_ends_when_it_is_told_to() -> None:
    with opened_home() as home:
        files = campaign(home)
        with home.run(*asked(home, files)) as run:
            home.has_sent(8, run)
            os.kill(postmaster(home.folder), signal.SIGKILL)
            time.sleep(3)
            run.signal(signal.SIGTERM)
            status = run.status(seconds=ENDS_WITHIN_S)
            said, log = run.err, home.log

    assert status == 1
    assert said.count("\n") < 20, said
    assert said.splitlines()[-1].startswith("outreach: ")
    assert "Traceback" not in said + log
    assert "store.unavailable" in log
    assert log.count("\n") < 100
