"""Templates with their versions, and what those brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict

from outreach.adapters.postgres.remembered import known_id, remembered
from outreach.domain.channel import Channel
from outreach.domain.ids import TemplateId
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import Variable
from outreach.domain.trial import Counts, Trial
from outreach.domain.version import PLAIN, Version

__all__ = ["template", "template_doc", "trial"]

Doc = Mapping[str, Any]


@remembered
def template(doc: Doc) -> MessageTemplate:
    """From ``template_doc``."""
    return MessageTemplate(
        id=TemplateId(known_id(doc["id"])),
        name=doc["name"],
        channel=Channel(doc["channel"]),
        content=doc["content"],
        variables=tuple(Variable(v["name"], v["default"]) for v in doc["variables"]),
        subject=doc["subject"],
        language=doc["language"],
        version=doc["version"],
        approved=doc["approved"],
        versions=tuple(Version(**one) for one in doc["versions"]),
        since=doc["since"],
        winner=doc["winner"],
        picked_by=doc["picked_by"],
    )


def template_doc(template: MessageTemplate) -> dict[str, Any]:
    """For ``keep_template``."""
    return {
        "id": template.id,
        "name": template.name,
        "channel": template.channel,
        "subject": template.subject,
        "content": template.content,
        "variables": [
            {"name": one.name, "default": one.default} for one in template.variables
        ],
        "language": template.language,
        "version": template.version,
        "approved": template.approved,
        "versions": [asdict(one) for one in template.versions],
        "since": template.since,
        "winner": template.winner,
        "picked_by": template.picked_by,
        "texts": [
            {
                "number": one.version,
                "label": one.label or PLAIN,
                "subject": one.subject,
                "content": one.content,
                "weight": weight,
            }
            for one, weight in zip(template.texts, _weights(template), strict=True)
        ],
    }


def _weights(template: MessageTemplate) -> list[int]:
    return [one.weight for one in template.versions] or [1]


def trial(doc: Doc) -> Trial:
    """From ``trial_docs``."""
    counts = {label: Counts(**found) for label, found in doc["counts"].items()}
    return Trial(template(doc["template"]), counts)
