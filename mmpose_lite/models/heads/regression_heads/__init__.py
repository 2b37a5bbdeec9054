"""Heads that predict coordinates."""

from .regression_head import RegressionHead

__all__ = ['RegressionHead']
