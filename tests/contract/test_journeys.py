"""Every store's journeys keep the promises of the port."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.journeys import Journeys
from outreach.testing.answering import AnsweringContract
from outreach.testing.events import EventsContract
from outreach.testing.journeys import JourneysContract
from outreach.testing.returned import ReturnedContract


class TestJourneys(JourneysContract):
    pass


class TestEvents(EventsContract):
    pass


class TestReturned(ReturnedContract):
    pass


class TestAnswering(AnsweringContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    suites = (JourneysContract, EventsContract, ReturnedContract, AnsweringContract)
    kept = {one for suite in suites for one in kept_by(suite)}

    assert promises_of(Journeys) <= kept
