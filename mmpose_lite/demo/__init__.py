"""A page that finds points by itself: a model and a face detector in the browser."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .browser_runtime import BrowserRuntime as BrowserRuntime
    from .browser_runtime import find_runtime as find_runtime
    from .serving import make_server as make_server
    from .site import find_points as find_points
    from .site import write_site as write_site

__getattr__, __dir__ = lazy_names(__name__)
