"""Training and testing from a config."""

from __future__ import annotations

from mmengine.config import Config

from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.distributed import join_processes
from mmpose_lite.engine.work_dir import holding
from mmpose_lite.registry import RUNNERS, explaining_builds


def build_runner(cfg: Config) -> PoseRunner:
    """Build the runner that a config asks for; :class:`PoseRunner` by default."""
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return PoseRunner.from_cfg(cfg)


@explaining_builds()
def train(cfg: Config) -> PoseRunner:
    """Train; returns the runner, whose model is trained.

    Raises:
        InputError: If another training has the work dir, before anything is written there.
    """
    # Early, so that nothing is written before the lock; the runner does both again, for callers
    # that build it themselves.
    join_processes(cfg.get('launcher', 'none'), cfg.get('env_cfg', {}))
    with holding(cfg.work_dir):
        runner = build_runner(cfg)
        runner.train()
    return runner


@explaining_builds()
def test(cfg: Config) -> tuple[PoseRunner, dict[str, float]]:
    """Test the checkpoint ``cfg.load_from``.

    Returns:
        The runner, whose metrics hold one row a face, and the numbers by name.
    """
    runner = build_runner(cfg)
    # Another `runner_type` may know no folding.
    options = {'fold': True} if isinstance(runner, PoseRunner) else {}
    return runner, runner.test(**options)
