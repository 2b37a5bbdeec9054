"""Evaluation: scores computed from one row per face."""

from .metrics import AUC, EPE, NME, PCKAccuracy

__all__ = ['AUC', 'EPE', 'NME', 'PCKAccuracy']
