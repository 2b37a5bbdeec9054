"""``python -m mmpose_lite``: ``mmpose-lite``, whose ``doctor`` it is without a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .cli.main import main as run_command


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command that the arguments name; without any, report on the environment."""
    is_bare = not (sys.argv[1:] if argv is None else argv)
    return run_command(['doctor'] if is_bare else argv)


if __name__ == '__main__':
    sys.exit(main())
