"""Wamm keeps the promises of `Gateway`, as far as anybody knows its wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.contract.wamm_account import WammBench, opened

from outreach.testing.gateway import GatewayContract


class TestWamm:
    """Every test of the suite but one: the vendor documents no refusal for good."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[WammBench]:
        async with opened() as bench:
            yield bench

    test_an_accepted_message_has_an_id_of_its_own = (
        GatewayContract.test_an_accepted_message_has_an_id_of_its_own
    )
    test_a_slow_answer_that_comes_in_time_is_an_answer = (
        GatewayContract.test_a_slow_answer_that_comes_in_time_is_an_answer
    )
    test_one_request_per_call_whatever_becomes_of_it = (
        GatewayContract.test_one_request_per_call_whatever_becomes_of_it
    )
    test_nothing_the_provider_or_the_network_does_is_raised = (
        GatewayContract.test_nothing_the_provider_or_the_network_does_is_raised
    )
    test_what_may_have_been_accepted_is_unknown = (
        GatewayContract.test_what_may_have_been_accepted_is_unknown
    )
    test_what_was_accepted_is_never_called_not_accepted = (
        GatewayContract.test_what_was_accepted_is_never_called_not_accepted
    )
    test_refused_for_now_is_not_accepted_for_the_lane = (
        GatewayContract.test_refused_for_now_is_not_accepted_for_the_lane
    )
    test_the_wait_asked_for_is_passed_on = (
        GatewayContract.test_the_wait_asked_for_is_passed_on
    )
    test_only_a_refused_key_is_an_authentication_failure = (
        GatewayContract.test_only_a_refused_key_is_an_authentication_failure
    )
    test_a_call_ends_within_its_time = GatewayContract.test_a_call_ends_within_its_time
    test_what_comes_after_trouble_is_as_before_it = (
        GatewayContract.test_what_comes_after_trouble_is_as_before_it
    )
    test_no_answer_quotes_a_number_or_a_text = (
        GatewayContract.test_no_answer_quotes_a_number_or_a_text
    )


def test_no_other_test_of_the_suite_is_left_out() -> None:
    suite = {name for name in vars(GatewayContract) if name.startswith("test_")}

    assert suite - set(vars(TestWamm)) == {
        "test_what_is_documented_as_refused_for_good_is_refused"
    }
