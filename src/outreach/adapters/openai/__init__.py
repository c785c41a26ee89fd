"""Models behind any OpenAI-compatible API: they read replies and draft answers."""

from outreach.adapters.openai.analyst import ModelAnalyst
from outreach.adapters.openai.drafter import ModelDrafter
from outreach.adapters.openai.model import Model, open_client

__all__ = ["Model", "ModelAnalyst", "ModelDrafter", "open_client"]
