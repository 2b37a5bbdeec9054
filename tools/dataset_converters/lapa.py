"""Convert LaPa to MMPose's annotations: python tools/dataset_converters/lapa.py --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmpose_lite.cli.convert import main

if __name__ == '__main__':
    main(['lapa', *sys.argv[1:]])
