"""Every drafter keeps the promises of the port, whatever its model says."""

from __future__ import annotations

import httpx2
import pytest
from tests.adapters.model_double import draft, of
from tests.contract.promises import kept_by, promises_of

from outreach.ports.drafter import Drafter
from outreach.testing.drafter import DrafterContract

MODELS = {
    "sound": draft("reply-interested", ai_note="Vă ascultăm."),
    "one that chooses what is not offered": draft("agri-1"),
    "one that fills what is not declared": draft("reply-question", ai_note="Da"),
    "one that fills fields of the lead": draft("reply-interested", contact_name="X"),
    "one that talks": "Sure! Here is your answer.",
    "one that is down": httpx2.ConnectError("refused"),
}


@pytest.fixture(params=MODELS.values(), ids=list(MODELS))
def drafter(request: pytest.FixtureRequest) -> Drafter:
    return of(request.param).drafter()


class TestDrafter(DrafterContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Drafter) <= kept_by(DrafterContract)
