"""An address for reports names the attempt that it is for, and no other does."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.ids import AttemptId
from outreach.domain.return_path import attempt_returned, return_path

ATTEMPT = AttemptId(UUID("1993f264-cf34-5836-b938-c7c383cb57a5"))
PATH = "bounces+1993f264cf345836b938c7c383cb57a5@back.example"


def test_the_token_is_the_attempt_in_hex() -> None:
    assert return_path(ATTEMPT, "back.example") == PATH
    assert len(PATH.partition("@")[0]) <= 64


@given(attempt=st.uuids(), changed=st.sampled_from([str, str.upper, str.title]))
def test_what_was_written_is_read_whatever_a_server_does_to_its_case(
    attempt: UUID, changed: object
) -> None:
    assert callable(changed)
    path = changed(return_path(AttemptId(attempt), "back.example"))

    assert attempt_returned(path) == attempt
    assert attempt_returned(f"<{path}>", "back.example") == attempt
    assert attempt_returned(path, "other.example") is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bounces@back.example",
        "bounces+@back.example",
        "bounces+1993f264@back.example",
        "ana+1993f264cf345836b938c7c383cb57a5@back.example",
        "xbounces+1993f264cf345836b938c7c383cb57a5@back.example",
        "bounces+1993f264cf345836b938c7c383cb57a5",
        "bounces+1993f264cf345836b938c7c383cb57a5@a@b",
        "bounces+1993f264-cf34-5836-b938-c7c383cb57a5@back.example",
        "bounces+\u0661993f264cf345836b938c7c383cb57a5@back.example",
    ],
)
def test_other_addresses_name_none(address: str) -> None:
    assert attempt_returned(address) is None


@pytest.mark.parses
@given(
    st.one_of(
        st.text(max_size=40),
        st.builds(
            "{}bounces+{}@{}".format,
            st.sampled_from(["", "<", "x", " "]),
            st.text("0123456789abcdefABCDEFxyz\u0661", min_size=30, max_size=34),
            st.text("ab.@> \n", max_size=6),
        ),
    )
)
def test_no_address_makes_it_raise(address: str) -> None:
    found = attempt_returned(address)

    assert found is None or found.hex in address.lower()
