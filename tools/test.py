"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.test import main
from mmpose_lite.utils.threads import limit_threads

if __name__ == '__main__':
    limit_threads()  # OpenMP reads its variables as torch loads
    main()
