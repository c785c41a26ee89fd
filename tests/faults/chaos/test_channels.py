"""WhatsApp, cold mail and warm mail at once keep every promise, whatever strikes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.faults.chaos.nemesis import MAIL_MIX
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.stage import Stage, three_channels
from tests.faults.chaos.trial import Blows, tell, trial

ENOUGH: Final = {"kill": 8, "stop": 3, "flush": 2, "backends": 1, "mail-out": 1}
ADDED: Final = 30
WARM: Final = 2
LINKS: Final = 3
AT_MOST_S: Final = 50.0
"""At 40 times; it ends earlier when there was enough."""
pytestmark = pytest.mark.timeout(1200)


def had_enough(stage: Stage, share: float) -> bool:
    """Until the vendors' own record shows that there was enough of everything."""
    accepted = stage.box.accepted()
    warm = sum(line.get("wire") == "resend" for line in accepted)
    return (
        all(stage.counts[name] >= share * least for name, least in ENOUGH.items())
        and sum(line.get("wire") == "instantly" for line in accepted) > ADDED
        and len(stage.left) >= share * LINKS
        and warm >= share * WARM
        and breakers(stage) > 0
    )


def breakers(stage: Stage) -> int:
    with stage.connect() as connection:
        (found,) = connection.execute(
            "SELECT count(*) FROM switches WHERE scope = 'CAMPAIGN'"
        ).fetchone() or (0,)
    return int(found)


def test_blows_over_three_channels_break_nothing(
    stores: Stores, nursery: Nursery, short_path: Path
) -> None:
    verdict = trial(
        stores,
        nursery,
        short_path,
        three_channels(14),
        Blows(AT_MOST_S, enough=had_enough, mix=MAIL_MIX, pause_s=0.8),
    )

    tell(verdict)
    assert verdict.breaches == [], str(verdict)
    missed = {n for n, least in ENOUGH.items() if verdict.injected.get(n, 0) < least}
    assert missed == set(), str(verdict)
    assert verdict.accepted > 10
    assert verdict.mail["added"] > ADDED
    assert verdict.mail["warm"] >= WARM
    assert verdict.mail["most in a call"] >= 20
    assert verdict.mail["breakers"] == 1
    assert verdict.mail["left by link"] >= LINKS
    assert verdict.mail["confirmed"] >= LINKS
