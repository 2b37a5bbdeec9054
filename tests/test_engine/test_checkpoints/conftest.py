"""Helpers of these tests lie beside them: the files that they write, and how they are read."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
