"""One pair of servers and one nursery for all chaos tests of a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores, opened_stores

__all__ = ["nursery", "short_path", "stores"]


@pytest.fixture(scope="module")
def stores() -> Iterator[Stores]:
    with opened_stores() as opened:
        yield opened


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with TemporaryDirectory() as folder, Nursery.open(Path(folder) / "log") as opened:
        yield opened


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket."""
    with TemporaryDirectory(prefix="chaos-") as folder:
        yield Path(folder)
