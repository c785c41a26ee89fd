"""Whoever signs links keeps the promises of `Links`."""

from __future__ import annotations

import pytest
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.memory import MemoryLinks
from outreach.adapters.system.links import SignedLinks
from outreach.ports.links import Links
from outreach.testing.links import LinksContract


@pytest.fixture(params=["memory", "signed"])
def links(request: pytest.FixtureRequest) -> tuple[Links, Links]:
    if request.param == "memory":
        one = MemoryLinks()
        return one, one
    two = [SignedLinks(("a key of ours", "an older"), "https://m.ro") for _ in "ab"]
    return two[0], two[1]


class TestLinks(LinksContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Links) <= kept_by(LinksContract)
