"""Heads that classify coordinates."""

from .rtmcc_head import RTMCCHead as RTMCCHead
