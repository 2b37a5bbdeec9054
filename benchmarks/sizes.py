"""Sizes of the measurements."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Amount of data and work that is measured.

    Attributes:
        photographs: Different training photographs.
        train, test: Faces of the data sets; AFLW's own numbers by default.
        batch: Images of a training step on a CPU.
        model_batch: Images of a step of a model that no tool drives.
        warmup: Steps before those that are timed.
        steps: Timed steps.
        seconds: How long a loader is timed.
        cached: Faces of the set whose crops are cached.
        tested: Faces of a test.
        gpu_warmup, gpu_steps: The same steps on a GPU, of 64 images.
        gpu_workers: Workers there.
    """

    photographs: int = 96
    train: int = 20_080
    test: int = 4_386
    batch: int = 16
    model_batch: int = 8
    warmup: int = 2
    steps: int = 4
    seconds: float = 3
    cached: int = 1024
    tested: int = 128
    gpu_warmup: int = 30
    gpu_steps: int = 200
    gpu_workers: int = 8


FULL = Sizes()
TRIAL = Sizes(
    photographs=8,
    train=400,
    test=40,
    batch=2,
    model_batch=2,
    warmup=1,
    steps=1,
    seconds=0.1,
    cached=64,
    tested=8,
)
"""Whether every row can be measured; its numbers mean nothing. One of these faces is frontal."""
