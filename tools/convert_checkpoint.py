"""Convert weights of other packages: python tools/convert_checkpoint.py IN OUT [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.convert_checkpoint import main

if __name__ == '__main__':
    main()
