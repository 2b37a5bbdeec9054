"""Run a tool in several processes: python tools/launch.py --nproc_per_node N SCRIPT [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.launch.launcher import main

if __name__ == '__main__':
    sys.exit(main())
