"""Checkpoints: ours hold tensors and plain data; those of others are read without running them."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .loading import install_checkpoint_reader, load_strictly
    from .reading import read_checkpoint, trusting
    from .serialization import make_plain

__all__ = [
    'install_checkpoint_reader',
    'load_strictly',
    'make_plain',
    'read_checkpoint',
    'trusting',
]

__getattr__, __dir__ = lazy_names(__name__)
