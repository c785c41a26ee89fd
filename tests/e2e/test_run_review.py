"""What a person approves goes out once, by the phone and in the chat it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from tests.e2e.campaign_files import CampaignFiles, write_campaign
from tests.e2e.command_line import command_line
from tests.e2e.judging import doubles
from tests.e2e.running import outreach

from outreach.entrypoints.sandbox.journal import read_lines

SPEED: Final = 6000
KNOBS: Final = (
    *("reply_to_first=1", "replies={interested=1}", "languages={ro=1}"),
    *("reply_to_answer=0", "burst_of_replies=0", "webhook_late=0", "sure_by=0"),
    *("reply_latest_engine_s=3600", "group_message=0", "slow=0"),
    *("wrong_number=0", "not_on_whatsapp=0", "never_delivered=0"),
    *("rate_limited=0", "unavailable=0", "lost_before=0", "lost_after=0"),
)


@frozen
class Site:
    """A folder, two stores, and the runs on them."""

    folder: Path
    files: CampaignFiles
    env: dict[str, str]

    def run_until(self, until: str) -> dict[str, Any]:
        """The summary of a run to this hour of the day."""
        summary = self.folder / "summary.json"
        with outreach(
            *("run", *self.files.options, "--speed", SPEED, "--json", summary),
            *("--from", "2026-03-03T09:00", "--until", f"2026-03-03T{until}"),
            *(part for knob in KNOBS for part in ("--knob", knob)),
            words=self.folder,
            env=self.env,
        ) as run:
            assert run.status() == 0, run.err
        found: dict[str, Any] = json.loads(summary.read_text())
        return found

    def accepted(self) -> list[dict[str, Any]]:
        return read_lines(self.folder / "data" / "sandbox" / "accepted.jsonl")


def test_an_approved_reply_goes_once_by_the_same_phone_to_the_same_chat(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    files = write_campaign(
        tmp_path, leads=8, phones=2, limit=10, follow_up_minutes=24 * 60
    )
    env = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": empty_redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path / "data"),
    }
    site = Site(tmp_path, files, env)

    before = site.run_until("12:00")
    first = {line["to"]: line for line in site.accepted()}
    with command_line(**env) as call:
        waiting = call("reviews", "list", "--json").json()
        item = next(one for one in waiting if one["suggested"])
        stale = call("reviews", "approve", item["id"], "--fingerprint", "0" * 64)
        approved = call(
            *("reviews", "approve", item["id"], "--fingerprint", item["fingerprint"]),
            *("--by", "ana", "--json"),
        ).json()
        again = call(
            "reviews", "approve", item["id"], "--fingerprint", item["fingerprint"]
        )
    after = site.run_until("14:00")
    site.run_until("15:00")

    answers = [line for line in site.accepted() if line["kind"] == "send-to-chat"]
    asked = first[item["recipient"]]
    assert before["reviews"]["MEDIUM"] == len(files.numbers)
    assert stale.status == 1
    assert again.status == 1
    assert approved["resolution"] == "APPROVED"
    assert len(approved["reply"]) == 1
    assert [
        (line["from"], line["to"], line["chat_id"], line["text"]) for line in answers
    ] == [(asked["from"], asked["to"], asked["chat_id"], item["suggested"])]
    assert doubles(site.accepted()) == []
    assert sum(phone["followups"] for phone in before["phones"]) == 0
    assert {p["phone"]: p["followups"] for p in after["phones"] if p["followups"]} == {
        asked["from"]: 1
    }
