"""Heads that predict coordinates."""

from .regression_head import RegressionHead as RegressionHead
