"""One-line sabotages of the package, and the test of each that must turn red.

    python tests/sabotages.py [--only WORD] [--jobs N]

Each is made in a copy of the checkout; the test is first seen green there.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_COPIED = ('benchmarks', 'configs', 'mmpose_lite', 'tests', 'tools')
_FILES = ('pyproject.toml', 'README.md', 'setup.py', 'requirements.txt')


@dataclass(frozen=True)
class Sabotage:
    """A line of a file, what it becomes, and the test that must notice."""

    what: str
    file: str
    line: str
    becomes: str
    test: str


_RESUME = 'tests/test_engine/test_exact_resume.py::test_a_signal_loses_nothing'
_FAULTS = 'tests/test_engine/test_save_faults.py'
_DAMAGE = 'tests/test_engine/test_damage.py'
_READER = 'tests/test_engine/test_checkpoints/test_reader.py'
_ENTRIES = 'tests/test_engine/test_checkpoints/test_entry_points.py'
_CHECKPOINTS = 'mmpose_lite/engine/checkpoints'
_LOSSES = 'tests/test_engine/test_losses_not_finite.py'
_WORK_DIRS = 'tests/test_engine/test_work_dirs.py'
_CHECKPOINT_HOOK = 'mmpose_lite/engine/hooks/checkpoint_hook.py'
_OPTIONS = 'tests/test_apis/test_options.py'
_INFERENCE = 'mmpose_lite/apis/inference.py'
_AT_THE_DOOR = 'tests/test_apis/test_inference.py'
_STRICT = 'tests/test_engine/test_checkpoints/test_strict_loading.py'
_FOLDED = 'tests/test_models/test_fold_norms.py'

SABOTAGES = [
    Sabotage(
        'the generators are not restored',
        'mmpose_lite/engine/resumable_loop.py',
        'set_random_state(self._random)',
        'pass',
        _RESUME,
    ),
    Sabotage(
        'the sampler starts from the beginning of the epoch',
        'mmpose_lite/datasets/samplers.py',
        'self._skipped = indices',
        'self._skipped = 0',
        'tests/test_engine/test_every_step.py',
    ),
    Sabotage(
        'faces are trained on in the order of their ids',
        'mmpose_lite/datasets/samplers.py',
        'for index in islice(super().__iter__(), skipped, None):',
        'for index in sorted(islice(super().__iter__(), skipped, None)):',
        'tests/test_distributed/test_same_training.py::test_global_batches_are_the_same_in_order',
    ),
    Sabotage(
        'the gradients of an unfinished step are lost',
        f'{_CHECKPOINTS}/rank_state.py',
        "runner.optim_wrapper.resume_step(state['step'])",
        'pass',
        f'{_RESUME} -k accumulation',
    ),
    Sabotage(
        'a validation that was due is left out',
        f'{_CHECKPOINTS}/resumption.py',
        'position = Position(**stored)',
        "position = Position(**{**stored, 'validated': True})",
        _RESUME,
    ),
    Sabotage(
        "the optimizer's state is not loaded",
        f'{_CHECKPOINTS}/resumption.py',
        'wrapper.load_state_dict(state)',
        'pass',
        f'{_RESUME} -k plain',
    ),
    Sabotage(
        'the schedulers start anew',
        'mmpose_lite/engine/schedulers.py',
        'scheduler.load_state_dict({key: state[key] for key in _own_fields(scheduler, state)})',
        'pass',
        f'{_RESUME} -k plain',
    ),
    Sabotage(
        'logs and the best score are not taken up again',
        f'{_CHECKPOINTS}/resumption.py',
        "runner.message_hub.load_state_dict({**hub, 'resumed_keys': kept})",
        'pass',
        f'{_RESUME} -k plain',
    ),
    Sabotage(
        'weights are written in place',
        f'{_CHECKPOINTS}/writer.py',
        'part = _part_of(path)',
        'part = path',
        _FAULTS,
    ),
    Sabotage(
        'a write is not flushed to the disk',
        f'{_CHECKPOINTS}/writer.py',
        'os.fsync(file.fileno())',
        'pass',
        _FAULTS,
    ),
    Sabotage(
        'a failed write is swallowed',
        f'{_CHECKPOINTS}/writer.py',
        "raise SaveError(f'{what}: {cause.strerror or cause}') from error",
        'return',
        _FAULTS,
    ),
    Sabotage(
        'the old checkpoint goes first',
        'mmpose_lite/engine/hooks/checkpoint_hook.py',
        "runner.message_hub.update_info('last_ckpt', path)",
        "runner.message_hub.update_info('last_ckpt', path); "
        '[os.remove(osp.join(self.out_dir, each)) for each in names[:-1]]',
        _FAULTS,
    ),
    Sabotage(
        'the digest is not compared',
        f'{_CHECKPOINTS}/seal.py',
        'if digest.hexdigest().encode() != stored:',
        'if False:',
        _DAMAGE,
    ),
    Sabotage(
        'a file that lost its seal is read',
        f'{_CHECKPOINTS}/reader.py',
        'if isinstance(meta, dict) and OWN_MARK in meta:',
        'if False:',
        _READER,
    ),
    Sabotage(
        'the newest file is taken unseen',
        f'{_CHECKPOINTS}/latest.py',
        'check(str(path))',
        'pass',
        _DAMAGE,
    ),
    Sabotage(
        'everything is unpickled',
        f'{_CHECKPOINTS}/reader.py',
        'checkpoint = torch.load(file, map_location=map_location, weights_only=True)',
        'checkpoint = torch.load(file, map_location=map_location, weights_only=False)',
        'tests/test_structure/test_unsafe_calls.py',
    ),
    Sabotage(
        'files are not looked at before they are read',
        f'{_CHECKPOINTS}/reader.py',
        'inspect_file(file, check_sums)',
        'pass',
        'tests/test_engine/test_checkpoints/test_hostile_files.py',
    ),
    Sabotage(
        'the config that a file holds is kept',
        f'{_CHECKPOINTS}/content.py',
        'meta.pop(key, None)',
        'pass',
        _READER,
    ),
    Sabotage(
        'a loss that is not finite passes',
        'mmpose_lite/engine/loss_guard.py',
        'bad = self._flags.gather(int(not math.isfinite(loss.item())))',
        'bad = self._flags.gather(0)',
        _LOSSES,
    ),
    Sabotage(
        'a metric that is not finite is the best',
        'mmpose_lite/engine/hooks/checkpoint_hook.py',
        'if score is None or not math.isfinite(score):',
        'if score is None:',
        _LOSSES,
    ),
    Sabotage(
        'a signal ends the run without saving',
        'mmpose_lite/engine/resumable_loop.py',
        'path = self.runner.save_position()',
        "path = ''",
        'tests/test_engine/test_signals.py::test_a_signal_saves_the_step',
    ),
    Sabotage(
        'faces that fill up the last batch are counted',
        'mmpose_lite/evaluation/metrics/gather.py',
        'return rows[:size]',
        'return rows',
        'tests/test_evaluation',
    ),
    Sabotage(
        'parameters without a gradient are passed over',
        'mmpose_lite/engine/unused_parameters.py',
        'raise InputError(',
        'print(',
        'tests/test_distributed/test_unused_parameters.py',
    ),
    Sabotage(
        'another random face stands in for a bad image',
        'mmpose_lite/datasets/datasets/base/replacement.py',
        'np.random.default_rng([',
        'np.random.default_rng([np.random.randint(2**31), ',
        'tests/test_datasets/test_bad_images.py',
    ),
    Sabotage(
        'the error on training crops is in pixels of the crop',
        'mmpose_lite/engine/hooks/train_error_hook.py',
        'error = (predicted - wanted) * sample.input_scale / size_wh',
        'error = predicted - wanted',
        'tests/test_engine/test_training_numbers.py::test_errors_on_crops_are_in_shares_of_the_box',
    ),
    Sabotage(
        'held-out photographs are trained on',
        'mmpose_lite/datasets/datasets/base/split.py',
        "return is_val == (self.part == 'val')",
        "return is_val or self.part == 'train'",
        'tests/test_datasets/test_split.py',
    ),
    Sabotage(
        'sizes that stand twice are not compared',
        'mmpose_lite/engine/point_checks.py',
        "        raise PreflightError(f'the {what} differ: {_listed(values)}{hint}')",
        '        return',
        'tests/test_engine/test_preflight.py -k sizes',
    ),
    Sabotage(
        'the checks before a run draw from its generators',
        'mmpose_lite/engine/point_checks.py',
        'set_random_state(state)',
        'pass',
        'tests/test_engine/test_preflight.py -k left_as_it_is',
    ),
    Sabotage(
        'a warm-up longer than the run is not said',
        'mmpose_lite/engine/preflight.py',
        'if steps <= _MOSTLY * length:',
        'if steps >= 0:',
        'tests/test_engine/test_preflight.py -k too_short',
    ),
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
        'mmpose_lite/apis/command_line.py',
        'if not _is_plain(value):',
        'if False:',
        'tests/test_apis/test_config.py -k read_as_another',
    ),
    Sabotage(
        'a mistyped command names no near one',
        'mmpose_lite/apis/cli.py',
        "hint = f'the nearest are {near}' if near else 'none is near'",
        "hint = 'none is near'",
        'tests/test_apis/test_cli.py',
    ),
    Sabotage(
        'the offsets of combined maps count everywhere',
        'mmpose_lite/models/losses/heatmap_loss.py',
        'counts = torch.cat([torch.ones_like(disc), disc, disc], dim=2)',
        'counts = torch.ones_like(target)',
        'tests/test_models/test_losses.py::test_combined_target',
    ),
    Sabotage(
        'a loss may mean other targets than its head',
        'mmpose_lite/models/heads/base_head.py',
        'if meant and not set.intersection(*map(set, meant.values())):',
        'if not meant:',
        'tests/test_models/test_heads.py::test_codec_head_and_loss_train_together_or_are_refused',
    ),
    Sabotage(
        'runs that begin within a second share a log',
        'mmpose_lite/engine/runner.py',
        'while self._timestamp in self._timestamps:',
        'while False:',
        'tests/test_engine/test_logs_of_runs.py::test_runs_that_begin_within_a_second_share_nothing',
    ),
    Sabotage(
        'faces without a visible point are in the numbers',
        'mmpose_lite/evaluation/metrics/row_metric.py',
        "return None if np.any(row['mask']) else NO_POINT",
        'return None',
        'tests/test_evaluation/test_left_out.py',
    ),
    Sabotage(
        'intervals are those of the draws, not of their own errors',
        'mmpose_lite/evaluation/functional/bootstrap.py',
        'own = np.maximum(own, _LEAST_ERROR**2 * squares)',
        'own = np.broadcast_to(squares, own.shape)',
        'tests/test_evaluation/test_bootstrap.py',
    ),
    Sabotage(
        'another size takes the place of the one that the metric divides by',
        'mmpose_lite/reporting/normalisers.py',
        'is_own = run.measure is not None or np.isfinite(own.values).any() or not known',
        'is_own = np.isfinite(own.values).any() or not known',
        'tests/test_reporting/test_left_out.py',
    ),
    Sabotage(
        'photographs of another size than their records are trained on',
        'mmpose_lite/datasets/transforms/loading.py',
        'if wanted is None or tuple(wanted) == size_wh:',
        'if True:',
        'tests/test_datasets/test_exif.py',
    ),
    Sabotage(
        'one back end turns photographs and another does not',
        'mmpose_lite/datasets/transforms/loading.py',
        "if backend == 'pillow' and flag in ('color', 'grayscale'):",
        'if False:',
        'tests/test_datasets/test_exif.py::test_all_readers_agree_on_the_frame',
    ),
    Sabotage(
        'a set that cannot be right as a whole is trained on without a word',
        'mmpose_lite/datasets/datasets/base/base_coco_style_dataset.py',
        'self._doubt(None if problem is None else (problem, True))',
        'pass',
        'tests/test_datasets/test_plausibility.py',
    ),
    Sabotage(
        'points in another order than the file names them are trained on',
        'mmpose_lite/datasets/datasets/base/categories.py',
        'if places.get(name, i) != i]',
        'if False]',
        'tests/test_datasets/test_plausibility.py',
    ),
    Sabotage(
        'of a key that stands twice in a record the last one counts',
        'mmpose_lite/datasets/datasets/base/json_files.py',
        'if len(found) == len(pairs):',
        'if True:',
        'tests/test_datasets/test_annotation_files.py',
    ),
    Sabotage(
        'a name that two photographs nearly have is read as one of them',
        'mmpose_lite/datasets/file_names.py',
        'if len(near) == 1 else None',
        'if near else None',
        'tests/test_datasets/test_file_names.py',
    ),
    Sabotage(
        'labelled points that are no number become unlabelled',
        'mmpose_lite/datasets/datasets/base/annotations.py',
        'if any(holes[:2]) and not is_labelled:',
        'if any(holes):',
        'tests/test_datasets/test_annotation_files.py',
    ),
    Sabotage(
        'several categories are read as one',
        'mmpose_lite/datasets/datasets/base/categories.py',
        'if len(counts) > 1 or len(names) > 1:',
        'if False:',
        'tests/test_datasets/test_annotation_files.py',
    ),
    Sabotage(
        'points that say nothing of their mirrors count as their own',
        'mmpose_lite/structures/metainfo.py',
        "if point.get('swap') == point['name']]",
        "if point.get('swap') in ('', point['name'])]",
        'tests/test_structures/test_metainfo.py',
    ),
    Sabotage(
        'arguments that albumentations does not take are a warning',
        'mmpose_lite/datasets/transforms/albumentation.py',
        "if 'not valid for transform' in text or 'unexpected keyword' in text:",
        'if False:',
        'tests/test_datasets/test_transforms.py',
    ),
    Sabotage(
        'resumed: states of other shapes reach the fused step',
        f'{_CHECKPOINTS}/schema.py',
        'if value.shape != wanted.shape:',
        'if value.shape != value.shape:',
        'tests/test_engine/test_wrong_states.py::test_each_wrong_value_is_one_line',
    ),
    Sabotage(
        'resumed: functions of schedulers are saved',
        'mmpose_lite/engine/schedulers.py',
        'for key, value in state.items() if not _has_function(value)}',
        'for key, value in state.items()}',
        'tests/test_engine/test_schedulers.py',
    ),
    Sabotage(
        'resumed: what cannot be read again is saved',
        f'{_CHECKPOINTS}/writer.py',
        '        require_readable(checkpoint)',
        '        pass',
        'tests/test_engine/test_save_faults.py::test_what_could_not_be_read_again_is_not_saved',
    ),
    Sabotage(
        'resumed: hooks forget',
        f'{_CHECKPOINTS}/resumption.py',
        "restore_hook_states(runner, stored['hooks'], self._name)",
        'pass',
        'tests/test_engine/test_hook_memory.py',
    ),
    Sabotage(
        'resumed: a checkpoint is saved before the last hooks have acted',
        'mmpose_lite/engine/checkpointing_runner.py',
        'self._hooks.sort(key=lambda hook: isinstance(hook, CheckpointHook))',
        'pass',
        'tests/test_engine/test_hook_memory.py',
    ),
    Sabotage(
        'resumed: other settings of the config are not said',
        f'{_CHECKPOINTS}/resumption.py',
        'elif settings:',
        'elif False:',
        'tests/test_engine/test_resume_settings.py',
    ),
    Sabotage(
        'resumed: a step with a refused loss is made after all',
        'mmpose_lite/engine/optim_wrappers.py',
        "return {'refused': self._refused, 'gradients': gradients}",
        "return {'refused': False, 'gradients': gradients}",
        'tests/test_engine/test_optim_wrappers.py',
    ),
    Sabotage(
        'resumed: parameters that no gradient has reached have one',
        'mmpose_lite/engine/optim_wrappers.py',
        ' and (not self._buffers or self._buffers.has_reached(each))',
        '',
        'tests/test_engine/test_optim_wrappers.py',
    ),
    Sabotage(
        'two trainings have one work dir',
        'mmpose_lite/engine/work_dir.py',
        'except Timeout:\n        pass',
        'except Timeout:\n        return True',
        f'{_WORK_DIRS}::test_a_folder_in_use_is_refused_until_its_process_ends',
    ),
    Sabotage(
        'a work dir of an earlier training is written over',
        _CHECKPOINT_HOOK,
        'self._foreign_best(folder) if goes_on else self._left_in(folder)',
        'self._foreign_best(folder)',
        f'{_WORK_DIRS}::test_a_training_anew_moves_the_earlier_one_aside',
    ),
    Sabotage(
        'best.pth of a work dir stays the first best',
        _CHECKPOINT_HOOK,
        '(osp.exists(link) and osp.samefile(path, link))',
        'osp.exists(link)',
        f'{_WORK_DIRS}::test_best_is_another_name_of_the_best_weights',
    ),
    Sabotage(
        'an equal score is the best of a work dir',
        _CHECKPOINT_HOOK,
        'not self.is_better_than[key](score, best)',
        'self.is_better_than[key](best, score)',
        f'{_WORK_DIRS}::test_an_equal_score_is_no_better',
    ),
    Sabotage(
        'writes to a work dir share their temporary name',
        f'{_CHECKPOINTS}/writer.py',
        '{secrets.token_hex(4)}',
        'only',
        f'{_WORK_DIRS}::test_two_writes_of_one_file_do_not_meet',
    ),
    Sabotage(
        'a folder of the name of a checkpoint in a work dir is passed over in silence',
        f'{_CHECKPOINTS}/latest.py',
        'for path in problems if is_own(path.name)',
        'for path in problems if not path.name',
        f'{_DAMAGE}::test_other_things_of_a_checkpoint_s_name',
    ),
    Sabotage(
        'resuming looks in the work dir alone',
        'mmpose_lite/engine/checkpointing_runner.py',
        'self._load_from or hook.folder_of(self.work_dir)',
        'self._load_from or self.work_dir',
        f'{_OPTIONS}::test_resuming_looks_where_the_run_saves',
    ),
    Sabotage(
        'work dirs of one process share a visualizer',
        'mmpose_lite/engine/runner.py',
        "release(Visualizer, (visualizer or {}).get('name') or self.experiment_name)",
        'pass',
        'tests/test_engine/test_logs_of_runs.py::test_two_runs_share_nothing',
    ),
    Sabotage(
        'a work dir that cannot be written to is noticed late',
        'mmpose_lite/utils/paths.py',
        'nearest = _nearest_folder(Path(folder))',
        'return',
        f'{_OPTIONS}::test_where_nothing_can_be_written_is_said_first',
    ),
    Sabotage(
        'a loader without a batch fills a work dir',
        'mmpose_lite/engine/preflight.py',
        'if not faces or is_dropped or',
        'if not faces or',
        f'{_OPTIONS}::test_a_loader_without_a_batch_is_refused',
    ),
    Sabotage(
        'the second checkpoint of a work dir is ignored where one is named',
        'mmpose_lite/apis/command_line.py',
        '    if others:\n',
        '    if not others:\n',
        f'{_OPTIONS}::test_two_files_for_one_checkpoint_are_named',
    ),
    Sabotage(
        'a report reads photographs beside the data roots',
        'mmpose_lite/reporting/pictures.py',
        'if any(Path(path).is_relative_to(root) for root in _allowed_roots(run)):',
        'if path:',
        'tests/test_reporting/test_pictures.py',
    ),
    Sabotage(
        'the name beside a place can be foreseen',
        'mmpose_lite/utils/files.py',
        "part = path.with_name(f'{path.name}.{secrets.token_hex(8)}{PART}')",
        "part = path.with_name(f'{path.name}{PART}')",
        'tests/test_utils/test_files.py',
    ),
    Sabotage(
        'a link at the name beside is followed',
        'mmpose_lite/utils/files.py',
        "with part.open('xb') as file:",
        "with part.open('wb') as file:",
        'tests/test_utils/test_files.py',
    ),
    Sabotage(
        'the crop cache looks at no bytes of photographs',
        'mmpose_lite/datasets/crop_cache/crop_cache.py',
        'digest.update(file.read(_SAMPLE))',
        'file.read(_SAMPLE)',
        'tests/test_datasets/test_crop_files.py -k stale',
    ),
    Sabotage(
        "a release's numbers may lie in another file",
        'mmpose_lite/datasets/converters/cofw.py',
        'if found.external or found.is_virtual:',
        'if found.is_virtual:',
        'tests/test_converters/test_cofw.py',
    ),
    Sabotage(
        'a value of another type is taken from a database',
        'mmpose_lite/datasets/converters/aflw_sqlite.py',
        'if value is not None and not isinstance(value, kinds):',
        'if False:',
        'tests/test_converters/test_aflw_sqlite.py',
    ),
    Sabotage(
        'an array of MATLAB may say any size',
        'mmpose_lite/datasets/converters/mat5.py',
        'if min(self.sides, default=0) < 0 or math.prod(self.sides) != found:',
        'if found < 0:',
        'tests/test_converters/test_aflw_mat.py',
    ),
    Sabotage(
        'any number of integers may have one hash',
        f'{_CHECKPOINTS}/dry_run.py',
        'if wide > MOST_WIDE_INTEGERS:',
        'if False:',
        'tests/test_engine/test_checkpoints/test_hostile_files.py -k one_hash',
    ),
    Sabotage(
        'a shell tool evaluates what is to be a number',
        'tools/slurm.sh',
        'need_numbers GPUS GPUS_PER_NODE CPUS_PER_TASK',
        'need_numbers CPUS_PER_TASK',
        'tests/test_distributed/test_slurm.py -k never_run',
    ),
    Sabotage(
        "a worker's want of shared memory is a trace",
        'mmpose_lite/datasets/collate.py',
        'if _NO_ROOM.search(str(error)):',
        'if False:',
        'tests/test_datasets/test_collate.py -k room',
    ),
    Sabotage(
        "a checkout of MMPose lacks its points' names",
        'benchmarks/sides.py',
        'if self.package == MMPOSE:',
        'if False:',
        'tests/test_benchmarks/test_sides.py',
    ),
    Sabotage(
        'at the door a box without area is taken',
        _INFERENCE,
        '        _refuse(table, wrong, fault)\n',
        '        pass\n',
        f'{_AT_THE_DOOR}::test_a_box_that_can_hold_no_face_is_refused',
    ),
    Sabotage(
        'at the door a frame without a face is one face',
        _INFERENCE,
        'if bboxes is None:',
        'if bboxes is None or len(bboxes) == 0:',
        f'{_AT_THE_DOOR}::test_a_frame_without_a_face_has_none',
    ),
    Sabotage(
        'at the door pixels of any kind are taken',
        _INFERENCE,
        'if pixels.dtype != np.uint8:',
        'if pixels.dtype == np.complex64:',
        f'{_AT_THE_DOOR}::test_what_is_no_photograph_is_refused',
    ),
    Sabotage(
        'at the door a photograph stays as a camera stored it',
        _INFERENCE,
        "return {'exif': 'apply', **step} if is_loading and not ignores else step",
        'return step',
        f'{_AT_THE_DOOR}::test_photographs_of_a_turned_camera_are_turned_upright',
    ),
    Sabotage(
        'at the door a compiled part keeps its names',
        f'{_CHECKPOINTS}/dialects.py',
        "_COMPILED.sub('', name) for name in stored",
        'name for name in stored',
        f'{_STRICT}::test_a_part_that_was_compiled_fits',
    ),
    Sabotage(
        'at the door weights are taken from an average',
        f'{_CHECKPOINTS}/content.py',
        'for key in CONTAINERS if key in part',
        'for key in reversed(CONTAINERS) if key in part',
        'tests/test_engine/test_checkpoints/test_dialects.py::'
        'test_the_weights_of_a_run_go_before_their_average',
    ),
    Sabotage(
        "at the door mmengine's Runner never trains",
        'mmpose_lite/engine/run_log.py',
        'return isinstance(runner._train_loop, BaseLoop)',
        'return False',
        'tests/test_engine/test_mmengine_runner.py::test_it_trains_goes_on_and_tests',
    ),
    Sabotage(
        'at the door the head makes the targets whatever a switch says',
        'mmpose_lite/engine/placement.py',
        "if not cfg.get('targets_by_head', True):",
        "if not cfg.get('model', True):",
        'tests/test_engine/test_placement.py::'
        'test_hooks_find_the_targets_of_the_pipeline_where_a_switch_says_so',
    ),
    Sabotage(
        'at the door layers that were put in later are not folded',
        'mmpose_lite/models/utils/fold_norms.py',
        'if len(modules) != len(self._modules) or not all(map(is_, modules, self._modules)):',
        'if not self._modules:',
        f'{_FOLDED}::test_it_follows_whatever_is_done_to_the_weights',
    ),
    Sabotage(
        'at the door hooks of a folded model are passed over',
        'mmpose_lite/models/utils/fold_norms.py',
        'return bool(hooks) or module.training',
        'return module.training',
        f'{_FOLDED}::test_where_others_look_on_nothing_is_folded',
    ),
    Sabotage(
        'at the door weights lie as they are built',
        'mmpose_lite/models/pose_estimators/base.py',
        'self.to(memory_format=torch.channels_last)',
        'pass',
        f'{_FOLDED}::test_a_model_lies_channels_last_whoever_builds_it',
    ),
    Sabotage(
        'at the door a missing network names no way round',
        f'{_CHECKPOINTS}/pretrained.py',
        "raise type(error)(f'{error}; {_WAY_ROUND.format(type(module).__name__)}') from error",
        'raise',
        'tests/test_engine/test_checkpoints/test_pretrained.py::'
        'test_without_a_network_the_way_round_is_named',
    ),
]


def apply(sabotage: Sabotage, root: Path) -> None:
    """Change the line, which must be there once.

    Raises:
        SystemExit: If it is not.
    """
    path = root / sabotage.file
    text = path.read_text(encoding='utf-8')
    if text.count(sabotage.line) != 1:
        sys.exit(f'{sabotage.what}: {sabotage.file} has {sabotage.line!r} not once')
    path.write_text(text.replace(sabotage.line, sabotage.becomes), encoding='utf-8')


def copy_checkout(target: Path) -> None:
    """Copy what tests need."""
    ignored = shutil.ignore_patterns('__pycache__', '.*_cache')
    for name in _COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in _FILES:
        shutil.copy(ROOT / name, target / name)


def is_green(test: str, root: Path) -> bool:
    """Whether a test passes in a copy."""
    command = [sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', *test.split()]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900)
    if done.returncode not in (0, 1):
        sys.exit(f'{test} could not be run:\n{done.stdout}{done.stderr}')
    return done.returncode == 0


def is_caught(sabotage: Sabotage) -> bool:
    """Whether the test of a sabotage turns red."""
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        apply(sabotage, Path(folder))
        caught = not is_green(sabotage.test, Path(folder))
    print(f'{"caught" if caught else "MISSED"}  {sabotage.what}  ({sabotage.test})', flush=True)
    return caught


def main() -> None:
    """Try them all, after their tests have been seen green."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--only', default='', help='those whose description has this word')
    parser.add_argument('--jobs', type=int, default=1, help='how many at a time')
    args = parser.parse_args()
    chosen = [each for each in SABOTAGES if args.only in each.what]
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        red = [
            test
            for test in dict.fromkeys(each.test for each in chosen)
            if not is_green(test, Path(folder))
        ]
    if red:
        sys.exit(f'red without a sabotage: {", ".join(red)}')
    with ThreadPoolExecutor(args.jobs) as pool:
        caught = list(pool.map(is_caught, chosen))
    print(f'{sum(caught)} of {len(caught)} caught')
    sys.exit(not all(caught))


if __name__ == '__main__':
    main()
