"""Weights and images that any implementation can make again, number by number.

A float tensor is drawn from numpy's legacy generator, whose stream numpy keeps for ever, seeded by
the CRC-32 of the tensor's name; so neither order nor framework matters.
"""

import zlib

import numpy as np
import torch


def seed_weights(model: torch.nn.Module) -> None:
    """Fill every float tensor of a model; others (counters) stay as they are."""
    filled = {name: _draw(name, old) for name, old in model.state_dict().items()}
    model.load_state_dict(filled, strict=True)


def _draw(name: str, old: torch.Tensor) -> torch.Tensor:
    if not old.is_floating_point():
        return old
    generator = np.random.RandomState(zlib.crc32(name.encode()))
    values = generator.standard_normal(old.numel()).reshape(old.shape)
    if old.ndim == 4:  # a convolution, scaled by its fan-in
        values = values * np.sqrt(2 / np.prod(old.shape[1:]))
    elif name.endswith('running_var'):
        values = 1 + 0.1 * np.abs(values)
    else:  # scales of norms about 1; biases and running means about 0
        values = float(name.endswith('weight')) + 0.1 * values
    return torch.from_numpy(values.astype(np.float32))


def wavy_image(seed: int, height: int, width: int) -> np.ndarray:
    """A smooth uint8 image ``(height, width, 3)``: for each channel, eight cosines upon 127."""
    generator = np.random.RandomState(seed)
    rows, columns = np.mgrid[:height, :width]
    image = np.full((height, width, 3), 127.0)
    for channel in range(3):
        waves = np.zeros((height, width))
        for _ in range(8):
            across, down = generator.uniform(-0.12, 0.12, size=2)
            strength, phase = generator.uniform(8, 24), generator.uniform(0, 6.28)
            waves += strength * np.cos(across * columns + down * rows + phase)
        image[..., channel] += waves
    return np.clip(image, 0, 255).astype(np.uint8)
