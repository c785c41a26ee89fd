"""Files never seen before, against a provider that somebody else runs."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from tests import leadfiles
from tests.e2e.judging import SENDS, delivered, outside_window, too_close, uses
from tests.e2e.running import outreach, rows

from outreach.entrypoints.sandbox import Sandbox

SPEED: Final = 6000
GAP_S: Final = 30
SALUTES: Final = ("Bună ziua", "Salut", "Bună", "Stimată doamnă, stimate domn")
WORDS: Final = ("grâu", "porumb", "floarea-soarelui", "orz", "rapiță", "soia")
VARIABLES: Final = """\
variables = [{ name = "contact_name", default = "" }, { name = "city", default = "" }]
"""


def toml(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_sequence(rng: Random, path: Path) -> int:
    """One to three steps with texts of their own; how many steps."""
    steps = rng.randint(1, 3)
    parts = [
        "[sequence]",
        f"name = {toml(f'Campania {rng.randint(1, 10**6)} „probă”')}",
        'primary_channel = "WHATSAPP"',
    ]
    for number in range(steps):
        delay = 0 if number == 0 else rng.randint(20, 90)
        parts += [
            *("[[step]]", 'channel = "WHATSAPP"', f'template = "t{number}"'),
            f"delay = {{ minutes = {delay} }}",
        ]
    for number in range(steps):
        salutes = "|".join(rng.sample(SALUTES, 3))
        words = "|".join(rng.sample(WORDS, 4))
        text = f"{{{salutes}}}[, {{{{contact_name}}}}]! [{{{{city}}}}: ]{{{words}}}?"
        parts += [
            *("[[template]]", f'name = "t{number}"', 'channel = "WHATSAPP"'),
            f"content = {toml(f'{number}. {text}')}",
            VARIABLES,
        ]
    path.write_text("\n".join(parts), encoding="utf-8")
    return steps


def write_senders(rng: Random, path: Path) -> tuple[list[str], int]:
    """Three to six phones as a CSV, and the limit of each."""
    limit = rng.randint(5, 9)
    digits = rng.sample(range(10_000_000, 99_999_999), rng.randint(3, 6))
    lines = [f"074{number % 10_000_000:07},FON {number},{limit}" for number in digits]
    path.write_text("\n".join(["phone,label,daily_limit", *lines]), encoding="utf-8")
    return [f"+40{line[1:10]}" for line in lines], limit


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_on_strange_files_counts_what_a_strange_provider_logged(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str, seed: int
) -> None:
    rng = Random(f"strange {seed}")
    lead_file = leadfiles.make(1000 + seed, companies=40)
    leads, summary = tmp_path / lead_file.name, tmp_path / "summary.json"
    leads.write_bytes(lead_file.data)
    steps = write_sequence(rng, tmp_path / "sequence.toml")
    phones, limit = write_senders(rng, tmp_path / "phones.csv")
    reachable = sum(
        any(k.startswith("phone:") for k in keys) for keys in lead_file.keys
    )

    with Sandbox.start(
        tmp_path / "accepted.jsonl",
        seed=seed,
        speed=SPEED,
        accounts=phones,
        knobs={"sure_by": 25},
    ) as box:
        with outreach(
            *("run", "--leads", leads, "--sequence", tmp_path / "sequence.toml"),
            *("--senders", tmp_path / "phones.csv", "--speed", SPEED),
            *("--from", "2026-03-03T09:00", "--until", "2026-03-03T18:00"),
            *("--json", summary),
            words=tmp_path,
            env={
                "OUTREACH_DATABASE_URL": fresh_postgres_url,
                "OUTREACH_REDIS_URL": empty_redis_url,
                "OUTREACH_DATA_DIR": str(tmp_path / "data"),
                "OUTREACH_TIMELINESAI_BASE_URL": box.base_url,
                "OUTREACH_TIMELINESAI_API_KEY": box.token,
            },
        ) as run:
            status = run.status()
        accepted, happened = box.accepted(), box.events()
    told = [line["event_type"] for line in delivered(happened)]
    sends = rows(fresh_postgres_url, SENDS)

    assert status == 0, run.err
    counted: dict[str, Any] = json.loads(summary.read_text())
    used = uses(accepted)
    assert {
        key: counted[key] for key in ("rows", "imported", "merged", "rejected")
    } == {
        "rows": lead_file.rows,
        "imported": lead_file.imported,
        "merged": lead_file.merged,
        "rejected": lead_file.rejected,
    }
    assert counted["enrolled"] == reachable
    assert counted["sent"] == {"WHATSAPP": len(accepted)}
    assert {p["phone"]: (p["new"], p["followups"]) for p in counted["phones"]} == {
        phone: (used[phone].new, used[phone].followups) for phone in phones
    }
    assert {p["limit"] for p in counted["phones"]} == {limit}
    assert max(use.new for use in used.values()) <= limit
    assert counted["events"]["SENT"] == told.count("message:sent:new")
    assert too_close(accepted, GAP_S / SPEED) == []
    assert outside_window(sends) == []
    assert {line["text"][0] for line in accepted} == {str(n) for n in range(steps)}
    assert "sandbox" not in run.err.lower()
