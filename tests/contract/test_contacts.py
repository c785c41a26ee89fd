"""Every reader of contact points keeps the promises of the port."""

from __future__ import annotations

import pytest

from outreach.adapters.contacts import LibraryContacts
from outreach.ports.contacts import Contacts
from outreach.testing.contacts import ContactsContract


class TestLibraryContacts(ContactsContract):
    @pytest.fixture
    def contacts(self) -> Contacts:
        return LibraryContacts()
