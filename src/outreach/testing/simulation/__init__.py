"""Simulated worlds."""

from outreach.testing.simulation.weather import Layer, Weather, drawn
from outreach.testing.simulation.world import World

__all__ = ["Layer", "Weather", "World", "drawn"]
