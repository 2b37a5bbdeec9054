"""Fixtures of tests of several processes."""

from pathlib import Path

import pytest

WITH_HOOKS = """
_base_ = ['{base}']
custom_imports = dict(imports=['faults'])
custom_hooks = [dict(type=name) for name in {hooks}]
train_dataloader = dict(batch_size=2)
"""


@pytest.fixture(scope='session')
def faulty_config(tmp_path_factory, tiny_config):
    """The tiny config with hooks of faults.py: a function of their names."""
    folder = tmp_path_factory.mktemp('faulty')

    def write(*hooks: str) -> Path:
        path = folder / f'{"_".join(hooks)}.py'
        path.write_text(WITH_HOOKS.format(base=tiny_config, hooks=list(hooks)))
        return path

    return write


@pytest.fixture(scope='session')
def untrained(tmp_path_factory, tiny_config):
    """A checkpoint of the tiny network with drawn weights."""
    import torch

    from helpers.seeding import seed_weights
    from mmpose_lite.apis import init_model

    model = init_model(tiny_config, device='cpu')
    seed_weights(model)
    path = tmp_path_factory.mktemp('untrained') / 'untrained.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    return path
