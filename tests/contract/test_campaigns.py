"""Every store keeps the promises of `Campaigns`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.campaigns import Campaigns
from outreach.testing.campaigns import CampaignsContract
from outreach.testing.mail import MailCountsContract


class TestCampaigns(CampaignsContract):
    pass


class TestMailCounts(MailCountsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    kept = kept_by(CampaignsContract) | kept_by(MailCountsContract)

    assert promises_of(Campaigns) <= kept
