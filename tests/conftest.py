"""What every test shares: the event loop and the search profiles."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers"]

LONGEST_FIRST = ("tests/faults/chaos/", "tests/simulation/", "tests/e2e/")
"""What takes minutes begins at once, so that no process waits for it at the end."""

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=100,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", deadline=None, max_examples=2_000)
PARSED = 3_000
"""Cases for each test that is marked `parses`: what strangers send is cheap to read."""
settings.load_profile(os.environ.get("OUTREACH_TEST_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        found = (n for n, of in enumerate(LONGEST_FIRST) if item.nodeid.startswith(of))
        return next(found, len(LONGEST_FIRST))

    items.sort(key=place)
    usual = settings()
    parsers = {
        item.obj
        for item in items
        if isinstance(item, pytest.Function) and item.get_closest_marker("parses")
    }
    for test in parsers:
        settings(usual, max_examples=max(PARSED, usual.max_examples))(test)


def pytest_collection_finish() -> None:
    """Thousands of tests and their modules stay to the end: the collector, which goes
    through all that lives again and again, need not look at them.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
