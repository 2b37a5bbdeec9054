"""Helpers of backbones."""

from __future__ import annotations


def make_divisible(
    value: float, divisor: int, min_value: int | None = None, min_ratio: float = 0.9
) -> int:
    """Round a number of channels to a multiple of ``divisor``.

    Args:
        value: The number; it may be a fraction, as widths times a factor are.
        divisor: What the result is a multiple of.
        min_value: The least result; ``divisor`` by default.
        min_ratio: The least share of ``value`` that may be left; below it one more is taken.
    """
    rounded = max(min_value or divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < min_ratio * value else rounded
