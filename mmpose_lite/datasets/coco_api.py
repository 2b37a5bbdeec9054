"""The COCO library: xtcocotools where it is installed, else pycocotools.

Nothing else in the package imports either. xtcocotools holds a compiled mask module, built for
NumPy 1, that does not load beside NumPy 2. Keypoints never call it, so a stand-in takes its place
and the rest of the library works.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import sys
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any, NoReturn

__all__ = ['BACKEND', 'COCO', 'COCOeval']

_MASK_MODULE = 'xtcocotools._mask'
_MASK_FUNCTIONS = ('iou', 'merge', 'frPyObjects', 'encode', 'decode', 'area', 'toBbox')


def _stand_in(reason: Exception) -> ModuleType:
    """Make a mask module whose functions explain why they cannot work."""

    def refuse(*_: Any) -> NoReturn:
        raise RuntimeError(
            f'segmentation masks need {_MASK_MODULE}, which does not load here: {reason}'
        )

    module = ModuleType(_MASK_MODULE)
    for name in _MASK_FUNCTIONS:
        setattr(module, name, refuse)
    return module


def _choose_backend() -> str:
    """Name the library to use, having made it importable.

    Raises:
        ModuleNotFoundError: If neither is installed.
    """
    if importlib.util.find_spec('xtcocotools') is None:
        if importlib.util.find_spec('pycocotools') is None:
            raise ModuleNotFoundError(
                'reading COCO annotations needs xtcocotools or pycocotools: pip install pycocotools'
            )
        return 'pycocotools'
    try:
        importlib.import_module(_MASK_MODULE)
    except (ImportError, ValueError) as error:
        sys.modules[_MASK_MODULE] = _stand_in(error)
    return 'xtcocotools'


BACKEND = _choose_backend()
_LoudCOCO: Any = importlib.import_module(f'{BACKEND}.coco').COCO

# As the library has it; xtcocotools' takes `sigmas` and `use_area` besides.
COCOeval: Any = importlib.import_module(f'{BACKEND}.cocoeval').COCOeval


class COCO(_LoudCOCO):
    """The index of a COCO annotation file; reads without printing."""

    def __init__(self, annotation_file: str | None = None) -> None:
        with redirect_stdout(io.StringIO()):
            super().__init__(annotation_file)
        for annotation in self.dataset.get('annotations', ()):
            annotation.setdefault('iscrowd', False)  # xtcocotools does so, pycocotools does not

    def loadRes(self, resFile: Any) -> Any:
        """Index results (a file name, or a list of annotations) against these images."""
        with redirect_stdout(io.StringIO()):
            return super().loadRes(resFile)
