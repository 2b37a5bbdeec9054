"""Synthetic faces with exactly known landmarks: a small renderer and a writer of AFLW-like sets."""

from .forms import write_forms
from .layout import LANDMARK_NAMES
from .scene import FaceLabel, render_scene
from .writer import DatasetError, Recipe, make_dataset

__all__ = [
    'LANDMARK_NAMES',
    'DatasetError',
    'FaceLabel',
    'Recipe',
    'make_dataset',
    'render_scene',
    'write_forms',
]
