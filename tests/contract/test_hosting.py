"""Every store keeps the promises of `HostedCampaigns`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.hosting import HostedCampaigns
from outreach.testing.hosting import HostedCampaignsContract


class TestHostedCampaigns(HostedCampaignsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(HostedCampaigns) <= kept_by(HostedCampaignsContract)
