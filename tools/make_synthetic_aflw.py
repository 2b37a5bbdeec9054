"""Write synthetic faces in AFLW's form: python tools/make_synthetic_aflw.py DIR [--help]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmpose_lite.cli.make_synthetic import main

if __name__ == '__main__':
    main()
