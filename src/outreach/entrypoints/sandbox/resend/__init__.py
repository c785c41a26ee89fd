"""Resend's wire: mail to people who wrote, mail received, signed webhooks.

Shapes follow the vendor's OpenAPI file 1.5.0; what it does not describe (errors,
limits, idempotency, retries) follows the vendor's documentation.
"""
