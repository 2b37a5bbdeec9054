"""Write a report on test runs: python tools/report.py DUMP ... [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.report import main

if __name__ == '__main__':
    main()
