"""One-line sabotages, by the part that they break; tests/sabotages.py tries them."""

from . import checkpoints, commands, data, models, numbers, runs
from .sabotage import Sabotage

SABOTAGES = [
    sabotage
    for part in (checkpoints, runs, data, models, numbers, commands)
    for sabotage in part.SABOTAGES
]

__all__ = ['SABOTAGES', 'Sabotage']
