"""``python -m mmpose_lite.launch``: run a script in several processes."""

import sys

from .launcher import main

if __name__ == '__main__':
    sys.exit(main())
