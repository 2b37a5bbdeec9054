"""From nothing to a tested model: render, fine-tune, test, draw: python tools/quickstart.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.quickstart import main

if __name__ == '__main__':
    main()
