"""Reports on test runs: numbers from one row a face, and the page that shows them."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .dumps import read_dump, read_run
    from .run import Pass, Run
    from .table import FaceTable, read_table
    from .writing import write_report

__all__ = ['FaceTable', 'Pass', 'Run', 'read_dump', 'read_run', 'read_table', 'write_report']

__getattr__, __dir__ = lazy_names(__name__)
