"""Whole worlds on a virtual clock: the real use cases, and everything that goes wrong.

`play` runs one world and judges it by what its provider accepted. The same seed gives
the same world, turn for turn.
"""

from outreach.testing.simulation.play import (
    Played,
    Summary,
    play,
    play_many,
    soak,
    traced,
)
from outreach.testing.simulation.weather import Layer, Weather, drawn
from outreach.testing.simulation.world import Change, World

__all__ = [
    "Change",
    "Layer",
    "Played",
    "Summary",
    "Weather",
    "World",
    "drawn",
    "play",
    "play_many",
    "soak",
    "traced",
]
