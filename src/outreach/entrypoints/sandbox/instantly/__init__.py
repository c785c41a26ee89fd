"""Instantly's wire, API v2: campaigns that send within their hours, and a unibox.

Shapes follow the vendor's OpenAPI file 2.0.0. What it does not describe follows what
the vendor's own pages and its users in production report: a page of more than 100 is
empty, the last page has a cursor too, webhooks are neither signed nor numbered.
"""
