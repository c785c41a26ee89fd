"""Each webhook is applied once, however often it comes and whoever dies meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.trial import deliver, tell

EVENTS = 60
MOST = 6

pytestmark = pytest.mark.timeout(1200)


def test_each_event_is_applied_once(
    stores: Stores, nursery: Nursery, short_path: Path
) -> None:
    found, figures = deliver(
        stores, nursery, short_path, seed=21, events=EVENTS, most=MOST
    )

    tell(figures)
    assert [str(one) for one in found] == [], figures
    assert figures["answered"] == figures["deliveries"] > 2 * EVENTS
    assert figures["stored"] == figures["applied"] == figures["heard"] == EVENTS
    assert figures.get("web", 0) + figures.get("point kill", 0) > 0
    assert figures.get("kill", 0) > 0
