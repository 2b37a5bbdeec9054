"""Says where a package is, and which versions it would run with.

python benchmarks/measure/identify.py PACKAGE OUT_FILE
"""

from __future__ import annotations

import json
import platform
import sys
from importlib import import_module
from pathlib import Path

OTHERS = ('torch', 'numpy', 'cv2', 'mmengine', 'mmcv')


def identify(package: str) -> tuple[Path, dict[str, str]]:
    """Import a package with all that a run needs of it; return its folder and versions."""
    folder = Path(str(import_module(package).__file__)).parent
    import_module(f'{package}.utils').register_all_modules()
    names = (package, *OTHERS)
    versions = {name: getattr(import_module(name), '__version__', '') for name in names}
    return folder, {**versions, 'python': platform.python_version()}


def main() -> None:
    """Write what is found as JSON."""
    package, out_file = sys.argv[1:]
    folder, versions = identify(package)
    found = {'folder': str(folder), 'versions': versions}
    Path(out_file).write_text(json.dumps(found), encoding='utf-8')


if __name__ == '__main__':
    main()
