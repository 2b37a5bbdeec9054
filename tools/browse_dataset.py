"""Draw the faces of a config's data set: python tools/browse_dataset.py CONFIG [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.browse_dataset import main

if __name__ == '__main__':
    main()
