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
        'reached = _replace(values, lambda _, value: (equal(value, before), after))',
        'pass',
        'tests/test_apis/test_config.py -k reaches',
    ),
    Sabotage(
        'an option that is a dict is read as words',
        'mmpose_lite/cli/command_line.py',
        'if _HAS_DICT.search(text):',
        'if False:',
        'tests/test_apis/test_config.py -k read_as_another',
    ),
    Sabotage(
        'a mistyped command names no near one',
        'mmpose_lite/cli/main.py',
        'near = nearest(_canonical(name), COMMANDS)',
        'near = []',
        'tests/test_cli/test_main.py -k mistyped',
    ),
    Sabotage(
        'a dry run is that of the work dir',
        'mmpose_lite/apis/training.py',
        "cfg.work_dir, cfg.log_level = folder, 'WARNING'",
        "cfg.log_level = 'WARNING'",
        'tests/test_cli/test_dry_run.py::test_a_training',
    ),
    Sabotage(
        'a base that is named as a shipped config is looked for beside its config alone',
        'mmpose_lite/utils/config_utils.py',
        'shipped = None if osp.isfile(beside) else find_shipped_config(base)',
        'shipped = None',
        'tests/test_cli/test_shipped_configs.py::test_a_base_may_be_named_so_from_any_folder',
    ),
    Sabotage(
        'what an option has set is said to be of a file',
        'mmpose_lite/cli/print_config.py',
        'if equal(in_files.get(keys, _NONE), value):',
        'if keys in in_files:',
        'tests/test_cli/test_print_config.py -k options_are_an_origin',
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
