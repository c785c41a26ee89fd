"""Every writer keeps the promises of the port, whatever its model says."""

from __future__ import annotations

import httpx2
import pytest
from tests.adapters.model_double import introduction, of
from tests.contract.promises import kept_by, promises_of

from outreach.ports.intro_writer import IntroWriter
from outreach.testing.intro_writer import IntroWriterContract

MODELS = {
    "sound": introduction("Am văzut rapița de lângă Cluj."),
    "one that writes nothing": introduction(""),
    "one that writes a lot": introduction("x" * 5_000),
    "one that talks": "Sure! Here is your sentence.",
    "one that is down": httpx2.ConnectError("refused"),
}


@pytest.fixture(params=MODELS.values(), ids=list(MODELS))
def writer(request: pytest.FixtureRequest) -> IntroWriter:
    return of(request.param).introducer()


class TestIntroWriter(IntroWriterContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(IntroWriter) <= kept_by(IntroWriterContract)
