"""Compare trainings by their logs: python tools/analyze_logs.py RUN... [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.analyze_logs import main

if __name__ == '__main__':
    main()
