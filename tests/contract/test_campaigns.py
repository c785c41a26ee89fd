"""Every store keeps the promises of `Campaigns`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.campaigns import Campaigns
from outreach.testing.campaigns import CampaignsContract
from outreach.testing.mail import MailCountsContract
from outreach.testing.versions import VersionsContract


class TestCampaigns(CampaignsContract):
    pass


class TestMailCounts(MailCountsContract):
    pass


class TestVersions(VersionsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    suites = (CampaignsContract, MailCountsContract, VersionsContract)
    kept = set().union(*map(kept_by, suites))

    assert promises_of(Campaigns) <= kept
