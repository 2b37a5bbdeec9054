"""Reports on test runs: dumps of rows, numbers computed from them, and the page that shows them."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .dumping import make_dump as make_dump
    from .per_face import to_frame as to_frame
    from .run import FaceTable as FaceTable
    from .run import Run as Run
    from .run import read_dump as read_dump
    from .run import read_run as read_run
    from .run import read_table as read_table
    from .schema import Pass as Pass
    from .writing import write_report as write_report

__getattr__, __dir__ = lazy_names(__name__)
