"""Reads replies by rules: Romanian, English and Russian, as data in ``*.toml``."""

from outreach.adapters.rules.analyst import RuleAnalyst

__all__ = ["RuleAnalyst"]
