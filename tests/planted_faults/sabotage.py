"""The form of a sabotage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sabotage:
    """A line of a file, what it becomes, and the test that must notice."""

    what: str
    file: str
    line: str
    becomes: str
    test: str
