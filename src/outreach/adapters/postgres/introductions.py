"""Intros to documents and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from outreach.adapters.postgres.docs import times
from outreach.domain.analysis import Doubt
from outreach.domain.ids import IntentId, IntroId, LeadId, TemplateId
from outreach.domain.intro import Intro, IntroState
from outreach.domain.wording import Flaw

__all__ = ["intro", "intro_doc"]

Doc = Mapping[str, Any]


def intro(doc: Doc) -> Intro:
    """From ``intro_doc``."""
    return Intro(
        id=IntroId(UUID(doc["id"])),
        intent=IntentId(UUID(doc["intent"])),
        lead=LeadId(UUID(doc["lead"])),
        template=TemplateId(UUID(doc["template"])),
        version=doc["version"],
        state=IntroState(doc["state"]),
        made_at=datetime.fromisoformat(doc["made_at"]),
        text=doc["text"],
        label=doc["label"],
        flaws=tuple(map(Flaw, doc["flaws"])),
        doubt=None if doc["doubt"] is None else Doubt(doc["doubt"]),
        by=doc["by"],
        raw=doc["raw"],
        decided_by=doc["decided_by"],
        decided_at=times(doc["decided_at"]),
    )


def intro_doc(one: Intro) -> dict[str, Any]:
    """For ``keep_intros`` and ``decide_intros``."""
    return {
        "id": one.id,
        "intent_id": one.intent,
        "lead_id": one.lead,
        "template_id": one.template,
        "version_number": one.version,
        "label": one.label,
        "state": one.state,
        "text": one.text,
        "flaws": list(one.flaws),
        "doubt": one.doubt,
        "written_by": one.by,
        "raw": one.raw,
        "made_at": one.made_at,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
    }
