"""Every store keeps the promises of `Campaigns`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.campaigns import Campaigns
from outreach.testing.campaigns import CampaignsContract


class TestCampaigns(CampaignsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Campaigns) <= kept_by(CampaignsContract)
