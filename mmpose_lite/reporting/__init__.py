"""Reports on test runs: dumps of rows, numbers computed from them, and the page that shows them."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .dumping import make_dump
    from .run import FaceTable, Run, read_dump, read_run, read_table
    from .schema import Pass
    from .writing import write_report

__all__ = [
    'FaceTable',
    'Pass',
    'Run',
    'make_dump',
    'read_dump',
    'read_run',
    'read_table',
    'write_report',
]

__getattr__, __dir__ = lazy_names(__name__)
