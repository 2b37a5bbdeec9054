"""Evaluation: numbers computed from one row a face."""

from .metrics import AUC, EPE, NME, PCKAccuracy

__all__ = ['AUC', 'EPE', 'NME', 'PCKAccuracy']
