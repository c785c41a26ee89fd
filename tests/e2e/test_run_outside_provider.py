"""A package of somebody else is installed, and messages leave through its provider."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import pigeon_post
from pigeon_wire import PigeonWire
from tests.e2e.campaign_files import write_campaign
from tests.e2e.command_line import spawn
from tests.e2e.running import Home, opened_home

from outreach.testing.kit import over_http

SPEED: Final = 4000


def installed(folder: Path) -> str:
    """What pip would leave behind; the path on which Python finds it."""
    info = folder / "pigeon_post-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pigeon-post\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[outreach.providers]\npigeon = pigeon_post:PIGEON\n"
    )
    shutil.copy(pigeon_post.__file__, folder)
    return str(folder)


async def run_through_pigeons(home: Home, wire: PigeonWire) -> int:
    folder = home.folder.parent
    files = write_campaign(folder, leads=12, phones=3, limit=40, follow_up_minutes=60)
    senders = files.senders.read_text("utf-8").replace("timelinesai", "pigeon")
    files.senders.write_text(senders, "utf-8")
    async with over_http(wire, lambda url: pigeon_post.opened(url, "crumbs")) as bench:
        asked = [
            *files.options,
            *("--speed", SPEED, "--json", folder / "summary.json"),
            *("--from", "2026-03-03T09:00", "--until", "2026-03-03T19:00"),
        ]
        env = {
            "PYTHONPATH": os.pathsep.join([installed(folder / "site"), *sys.path]),
            "OUTREACH_PROVIDERS_PIGEON_API_KEY": "crumbs",
            "OUTREACH_PROVIDERS_PIGEON_BASE_URL": bench.url,
        }
        with home.run(*asked, **env) as run:
            status = await asyncio.to_thread(run.status)
        assert status == 0, run.err
        return bench.arrivals


async def test_a_campaign_leaves_through_a_provider_of_another_package() -> None:
    wire = PigeonWire()
    with opened_home() as home:
        arrivals = await run_through_pigeons(home, wire)
        summary = json.loads((home.folder.parent / "summary.json").read_text())

    assert arrivals == len(wire.accepted) == 24
    assert summary["sent"] == {"WHATSAPP": 24}


def test_doctor_names_a_provider_whose_package_is_not_installed(tmp_path: Path) -> None:
    env = {
        "OUTREACH_DATA_DIR": str(tmp_path),
        "OUTREACH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "OUTREACH_REDIS_URL": "redis://127.0.0.1:1",
        "OUTREACH_PROVIDERS_CROW_API_KEY": "crumbs",
    }

    out, err = spawn("doctor", env=env).communicate(timeout=60)

    assert "no installed package brings a provider 'crow'" in out + err
    assert "crumbs" not in out + err
