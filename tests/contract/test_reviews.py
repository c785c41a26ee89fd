"""Every store keeps the promises of `Reviews`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.reviews import Reviews
from outreach.testing.reviews import ReviewsContract


class TestReviews(ReviewsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Reviews) <= kept_by(ReviewsContract)
