"""Models behind any OpenAI-compatible API: they read replies, draft answers, and write
sentences about leads.
"""

from outreach.adapters.openai.analyst import ModelAnalyst
from outreach.adapters.openai.drafter import ModelDrafter
from outreach.adapters.openai.introducer import ModelIntroducer
from outreach.adapters.openai.model import Model, open_client

__all__ = ["Model", "ModelAnalyst", "ModelDrafter", "ModelIntroducer", "open_client"]
