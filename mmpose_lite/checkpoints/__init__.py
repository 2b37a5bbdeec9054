"""Checkpoints: ours hold tensors and plain data; those of others are read without running them."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .loading import install_checkpoint_reader as install_checkpoint_reader
    from .loading import load_strictly as load_strictly
    from .reading import read_checkpoint as read_checkpoint
    from .reading import read_config_of as read_config_of
    from .reading import trusting as trusting
    from .serialization import make_plain as make_plain

__getattr__, __dir__ = lazy_names(__name__)
