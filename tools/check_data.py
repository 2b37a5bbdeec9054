"""Check the data that a config names: python tools/check_data.py CONFIG [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.check_data import main

if __name__ == '__main__':
    main()
