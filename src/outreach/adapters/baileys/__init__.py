"""WhatsApp numbers behind a gateway of one's own that runs Baileys: three dialects."""

from outreach.adapters.baileys.api import BaileysApi
from outreach.adapters.baileys.dialect import Dialect
from outreach.adapters.baileys.evolution import Evolution
from outreach.adapters.baileys.gateway import (
    AskableGateway,
    BaileysGateway,
    EvolutionGateway,
    WahaGateway,
    open_client,
)
from outreach.adapters.baileys.reader import BaileysReader
from outreach.adapters.baileys.signatures import WahaSignatures, signatures
from outreach.adapters.baileys.waha import Waha

__all__ = [
    "AskableGateway",
    "BaileysApi",
    "BaileysGateway",
    "BaileysReader",
    "Dialect",
    "Evolution",
    "EvolutionGateway",
    "Waha",
    "WahaGateway",
    "WahaSignatures",
    "open_client",
    "signatures",
]
