"""Start of a run: the modules loaded before the first iteration, and the lines of the log."""

import gc
import json

import torch

from mmpose_lite import __version__
from mmpose_lite.utils import collector_at_rest

PROBE = """
import gc, json, sys
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class Probe(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        facts = {'modules': sorted(sys.modules), 'gc': gc.isenabled()}
        facts['frozen'] = gc.get_freeze_count()
        with open('facts.json', 'w') as file:
            json.dump(facts, file)
"""

CONFIG = """
_base_ = ['{base}']
custom_imports = dict(imports=['probe'])
custom_hooks = [dict(type='mmengine.Probe')]
train_cfg = dict(max_epochs=1)
"""

# Drawing, rendering, reports, and what mmengine loads for its description of the environment.
NOT_NEEDED = (
    'matplotlib',
    'torchvision',
    'mmpose_lite.synthetic',
    'scipy',
    'pandas',
    'albumentations',
)


def test_a_training_loads_only_what_it_needs(processes, tmp_path, tiny_config):
    (tmp_path / 'probe.py').write_text(PROBE)
    config = tmp_path / 'probed.py'
    config.write_text(CONFIG.format(base=tiny_config))
    printed = processes.run_tool(
        'train.py', config, '--work-dir', 'run', cwd=tmp_path, PYTHONPATH=str(tmp_path)
    )
    facts = json.loads((tmp_path / 'facts.json').read_text())
    assert [name for name in NOT_NEEDED if name in facts['modules']] == []
    assert facts['gc']
    assert facts['frozen'] > 0
    assert 'leaked' not in printed  # libraries that count what nobody has collected

    for fact in (__version__, torch.__version__, torch.backends.cpu.get_cpu_capability()):
        assert fact in printed
    for line in ('Command: ', 'Devices: ', 'seed: 0', 'launcher: none', "type='AFLWDataset'"):
        assert line in printed
    assert 'RuntimeInfoHook, IterTimerHook, SpeedHook, TrainErrorHook, LoggerHook' in printed
    assert 'CheckpointHook (VERY_LOW)' in printed


def test_collector_rests_and_returns():
    before = gc.get_freeze_count()
    with collector_at_rest():
        assert not gc.isenabled()
        cycle: list = []
        cycle.append(cycle)
    assert gc.isenabled()
    assert gc.get_freeze_count() > before
