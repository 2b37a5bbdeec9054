"""Checkpoints: ours hold tensors and plain data; those of others are read without running them."""

from .content import make_plain
from .loading import install_checkpoint_reader, load_strictly
from .reader import read_checkpoint, trusting

__all__ = [
    'install_checkpoint_reader',
    'load_strictly',
    'make_plain',
    'read_checkpoint',
    'trusting',
]
