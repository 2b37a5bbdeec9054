"""The start from faces19, in place of random weights."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

load_from = 'faces19'
