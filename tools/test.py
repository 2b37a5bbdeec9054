"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.utils import collector_at_rest
from mmpose_lite.utils.threads import limit_threads

limit_threads()  # OpenMP reads its variables as torch loads
with collector_at_rest():
    from mmpose_lite.cli.test import main

if __name__ == '__main__':
    main()
