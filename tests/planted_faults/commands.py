"""Sabotages of configs, command lines and tools."""

from .sabotage import Sabotage

SABOTAGES = [
    Sabotage(
        'a slip in a top-level key is taken in silence',
        'mmpose_lite/utils/config_utils.py',
        'if near is not None and not _is_used(cfg, key, value, near):',
        'if near is None and not _is_used(cfg, key, value, str(near)):',
        'tests/test_apis/test_config.py -k like_one_that_is_read',
    ),
    Sabotage(
        'an override of a variable does not reach its copies',
        'mmpose_lite/apis/config.py',
        'reached = _replace(values, lambda _, value: (_equal(value, before), after))',
        'pass',
        'tests/test_apis/test_config.py -k reaches',
    ),
    Sabotage(
        'an option that is a dict is read as words',
        'mmpose_lite/cli/command_line.py',
        'if not _is_plain(value):',
        'if False:',
        'tests/test_apis/test_config.py -k read_as_another',
    ),
    Sabotage(
        'a mistyped command names no near one',
        'mmpose_lite/cli/commands.py',
        "hint = about_nearest(argv[0].replace('-', '_'), _COMMANDS)",
        "hint = 'none is near'",
        'tests/test_apis/test_cli.py',
    ),
    Sabotage(
        'the second checkpoint of a work dir is ignored where one is named',
        'mmpose_lite/cli/command_line.py',
        '    if others:\n',
        '    if not others:\n',
        'tests/test_apis/test_options.py::test_two_files_for_one_checkpoint_are_named',
    ),
    Sabotage(
        'a shell tool evaluates what is to be a number',
        'tools/slurm.sh',
        'need_numbers GPUS GPUS_PER_NODE CPUS_PER_TASK',
        'need_numbers CPUS_PER_TASK',
        'tests/test_distributed/test_slurm.py -k never_run',
    ),
    Sabotage(
        "a checkout of MMPose lacks its points' names",
        'benchmarks/sides.py',
        'if self.package == MMPOSE:',
        'if False:',
        'tests/test_benchmarks/test_sides.py',
    ),
]
