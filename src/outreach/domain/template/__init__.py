"""What a message says: our own template language, without logic.

::

    {Bună ziua|Bună|Salut}[, {{contact_name}}]! Am văzut {{company_name}} ...

Spintax choices, variables, optional parts, escapes (:mod:`.reader` says how they
are written). No attributes, loops or arithmetic; values are inserted last and
never parsed.
"""

from __future__ import annotations

from typing import Final

from outreach.domain.template.checks import MINIMUM_VARIANTS, check
from outreach.domain.template.counting import VARIANTS_CAP
from outreach.domain.template.links import links
from outreach.domain.template.reader import CONTENT_LIMIT, NAME_LIMIT, NESTING_LIMIT
from outreach.domain.template.text import (
    INTRO_FIELD,
    LEAD_FIELDS,
    MADE_FIELDS,
    VALUE_LIMIT,
    WHATSAPP_LIMIT,
    Rendered,
    Template,
    Variable,
    parse,
    seed,
)

__all__ = [
    "CONTENT_LIMIT",
    "INTRO_FIELD",
    "LEAD_FIELDS",
    "MADE_FIELDS",
    "MAIL_LIMIT",
    "MINIMUM_VARIANTS",
    "NAME_LIMIT",
    "NESTING_LIMIT",
    "SUBJECT_LIMIT",
    "VALUE_LIMIT",
    "VARIANTS_CAP",
    "WHATSAPP_LIMIT",
    "Rendered",
    "Template",
    "Variable",
    "check",
    "links",
    "parse",
    "seed",
]

SUBJECT_LIMIT: Final = 200
"""Characters of a mail's subject, which is one line."""
MAIL_LIMIT: Final = 100_000
"""Characters of a mail's body; hand it to ``render`` and ``check`` as *limit*."""
