"""Multi-channel cold outreach that proves what it will do and explains what it did."""
