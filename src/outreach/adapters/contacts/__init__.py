"""Contact points by phonenumbers, email-validator and the tz database."""

from outreach.adapters.contacts.reader import LibraryContacts

__all__ = ["LibraryContacts"]
