"""Points of a user's own: the config of docs/own_points.md runs, and what disagrees is named."""

import importlib
import json
import re
from ast import literal_eval
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from helpers.face_sets import points_of, write_file, write_image
from helpers.tiny_recipe import shrink
from mmpose_lite.apis import init_model, load_config
from mmpose_lite.cli.train import main as run_train
from mmpose_lite.engine import PoseRunner
from mmpose_lite.errors import InputError

PAGE = Path(__file__).resolve().parents[1] / 'docs' / 'own_points.md'
FACES = 5


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A JSON file of five faces with five points, and their photographs."""
    root = tmp_path_factory.mktemp('my_faces')
    annotations = []
    for i in range(FACES):
        points = points_of(i, 5)
        low, high = points.min(axis=0), points.max(axis=0)
        annotations.append(
            {
                'id': i + 1,
                'image_id': i + 1,
                'bbox': [*low.tolist(), *(high - low).tolist()],
                'keypoints': np.hstack([points, np.ones((5, 1))]).ravel().tolist(),
            }
        )
        write_image(root / 'images' / f'face{i + 1}.png', i, 5)
    write_file(root / 'faces.json', annotations)
    return root


@pytest.fixture
def config(tmp_path):
    """The page's config, in a folder of its own."""
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text(encoding='utf-8'), flags=re.DOTALL)
    path = tmp_path / 'own.py'
    path.write_text(blocks[0], encoding='utf-8')
    return path


def build(config, data, tmp_path, **options):
    cfg = load_config(config, {key.replace('__', '.'): value for key, value in options.items()})
    return PoseRunner.from_cfg(shrink(cfg, data, tmp_path / 'run'))


def test_the_page_s_config_trains(config, data, tmp_path, as_new_process):
    runner = build(config, data, tmp_path)
    runner.train()
    assert runner.iter == 2  # four faces, two a batch
    numbers = runner.test()
    assert 0 < numbers['NME'] < np.inf
    (row,) = runner.test_loop.evaluator.metrics[0].rows  # by its hash, the third of five
    assert np.shape(row['pred']) == (5, 2)
    names = runner.test_dataloader.dataset.metainfo['keypoint_id2name']
    assert names[3] == 'LeftMouthCorner'


def test_the_page_s_schedule_is_for_few_faces(config, data, tmp_path, as_new_process):
    options = {'default_hooks.early_stopping': {'patience': 2, 'min_delta': 1e3}}
    cfg = shrink(load_config(config, options), data, tmp_path / 'run')
    cfg.train_cfg.max_epochs = 5
    runner = PoseRunner.from_cfg(cfg)
    runner.train()
    warm_up, cosine = runner.param_schedulers
    assert (warm_up.begin, warm_up.end) == (0, 2)  # a twentieth of 10, and never less
    assert (cosine.begin, cosine.end, cosine.T_max) == (2, 10, 8)
    assert runner.epoch == 3  # no error falls by so much
    kept = [path.name for path in (tmp_path / 'run').glob('epoch_*.pth')]
    assert sorted(kept) == ['epoch_2.pth', 'epoch_3.pth']
    (group,) = runner.optim_wrapper.param_groups
    assert group['initial_lr'] == pytest.approx(2e-3 * 2 / 8)


def test_a_test_by_itself_builds_no_training(config, data, tmp_path, as_new_process):
    """Though a hook is there that ends one."""
    options = {'train_dataloader__dataset__ann_file': 'gone.json'}
    runner = build(config, data, tmp_path, **options)
    assert 0 < runner.test()['NME'] < np.inf
    assert 0 < runner.val()['NME'] < np.inf


def test_the_page_s_three_parts_are_held_apart(config, data, tmp_path, as_new_process):
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text(), flags=re.DOTALL)
    (parts,) = (block for block in blocks if 'test_share' in block)
    # Of five faces, that each part has one.
    parts = re.sub(r'val_share=\S+, test_share=[\d.]+', 'val_share=0.1, test_share=0.4', parts)
    config.write_text(config.read_text() + parts)
    runner = build(config, data, tmp_path)
    runner.train()
    assert 0 < runner.test()['NME'] < np.inf
    loaders = (runner.train_dataloader, runner.val_dataloader, runner.test_dataloader)
    seen = [
        [each.dataset.get_data_info(i)['id'] for i in range(len(each.dataset))] for each in loaders
    ]
    assert seen == [[1, 4, 5], [3], [2]]


def test_the_page_s_messages_are_those_of_the_program(config, data, tmp_path, as_new_process):
    with pytest.raises(ValueError, match='points differ') as caught:
        build(config, data, tmp_path, model__head__out_channels=6).train()
    wanted = re.search(r'`(the numbers of points differ: .*?); \.\.\.`', PAGE.read_text())[1]
    assert str(caught.value).startswith(wanted)
    assert "val_dataloader.dataset ('my_faces') has 5 points" in str(caught.value)


@pytest.mark.parametrize('job', ['train', 'val', 'test'])
def test_a_head_of_another_number(config, data, tmp_path, as_new_process, job):
    runner = build(config, data, tmp_path, model__head__out_channels=6)
    with pytest.raises(ValueError, match=r'out_channels=6 makes 6 points.*has 5 points'):
        getattr(runner, job)()


def test_annotations_of_another_number(config, data, tmp_path, as_new_process):
    content = json.loads((data / 'faces.json').read_text())
    content['annotations'][3]['keypoints'] += [1, 1, 1]
    (data / 'six.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r'six\.json: annotation id 4 .*6 points.*names 5'):
        build(config, data, tmp_path, train_dataloader__dataset__ann_file='six.json').train()


def test_a_metric_of_other_points(config, data, tmp_path, as_new_process):
    names = ['LeftEye', 'RihgtEye']
    with pytest.raises(KeyError) as caught:
        build(config, data, tmp_path, val_evaluator__keypoint_names=names).train()
    said = re.search(r'`(keypoint_names=.*), \.\.\.`', PAGE.read_text())[1]
    assert str(caught.value).startswith(said)


def test_a_validation_of_other_points(config, data, tmp_path, as_new_process):
    """Both loaders' numbers are named."""
    cfg = shrink(load_config(config), data, tmp_path / 'run')
    info = cfg.val_dataloader.dataset.metainfo
    cfg.val_dataloader.dataset.metainfo = {
        **info,
        'dataset_name': 'four',
        'keypoint_info': {i: info.keypoint_info[i] for i in (0, 1, 2)},
        'skeleton_info': {},
        'joint_weights': [1.0] * 3,
    }
    content = json.loads((data / 'faces.json').read_text())
    for each in content['annotations']:
        each['keypoints'] = each['keypoints'][:9]
    (data / 'three.json').write_text(json.dumps(content))
    cfg.val_dataloader.dataset.ann_file = 'three.json'
    wanted = r"train_dataloader.*'my_faces'\) has 5 .*val_dataloader.*'four'\) has 3 points"
    with pytest.raises(ValueError, match=wanted):
        PoseRunner.from_cfg(cfg).train()


def without_pairs(config, data, tmp_path, *edits):
    cfg = shrink(load_config(config), data, tmp_path / 'run')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for point in loader.dataset.metainfo.keypoint_info.values():
            point.swap = ''
    for edit in edits:
        edit(cfg)
    return PoseRunner.from_cfg(cfg)


def no_flip(cfg):
    steps = cfg.train_dataloader.dataset.pipeline
    cfg.train_dataloader.dataset.pipeline = [s for s in steps if s.type != 'RandomFlip']


def never_flip(cfg):
    cfg.train_dataloader.dataset.pipeline[2].prob = 0.0


def no_flip_test(cfg):
    cfg.model.test_cfg.flip_test = False


class TestMirroringWithoutPairs:
    def test_of_training_faces_is_refused(self, config, data, tmp_path, as_new_process):
        runner = without_pairs(config, data, tmp_path, no_flip_test)
        wanted = r"train_dataloader.*'my_faces'.*RandomFlip\(.*`swap`.*take RandomFlip out"
        with pytest.raises(ValueError, match=wanted):
            runner.train()

    @pytest.mark.parametrize('job', ['train', 'val', 'test'])
    def test_of_test_faces_is_refused(self, config, data, tmp_path, as_new_process, job):
        runner = without_pairs(config, data, tmp_path, no_flip)
        with pytest.raises(ValueError, match=r'set model\.test_cfg\.flip_test=False'):
            getattr(runner, job)()

    @pytest.mark.parametrize('edit', [no_flip, never_flip])
    def test_the_way_out_is_one(self, config, data, tmp_path, as_new_process, edit):
        runner = without_pairs(config, data, tmp_path, edit, no_flip_test)
        runner.train()
        assert runner.iter == 2


def on_the_axis(cfg):
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for point in loader.dataset.metainfo.keypoint_info.values():
            point.swap = point.name


def test_points_that_all_lie_on_the_axis_are_mirrored(config, data, tmp_path, as_new_process):
    """Each says so itself; one that says nothing could have been forgotten."""
    runner = without_pairs(config, data, tmp_path, on_the_axis)
    runner.train()
    assert runner.iter == 2

    def all_but_one(cfg):
        on_the_axis(cfg)
        cfg.train_dataloader.dataset.metainfo.keypoint_info[2].swap = ''

    as_new_process()
    with pytest.raises(ValueError, match=r'`swap`.*\(of one on the axis its own name'):
        without_pairs(config, data, tmp_path, all_but_one).train()


def exchange_two(cfg):
    """Exchange the mouth's corners in the metainfo, as if the file had them the other way round."""
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        points = loader.dataset.metainfo.keypoint_info
        points[3].name, points[4].name = points[4].name, points[3].name
        points[3].swap, points[4].swap = points[4].swap, points[3].swap


class TestPointsOfACheckpointInAnotherOrder:
    said = (
        r"checkpoint '.*epoch_1\.pth': its points are in another order than those of 'my_faces': "
        r"its point 3 is 'LeftMouthCorner', which is point 4 there"
    )

    @pytest.fixture
    def checkpoint(self, config, data, tmp_path, as_new_process):
        build(config, data, tmp_path).train()
        as_new_process()
        return str(tmp_path / 'run' / 'epoch_1.pth')

    def other(self, config, data, tmp_path, checkpoint, edit=exchange_two):
        cfg = shrink(load_config(config), data, tmp_path / 'other')
        cfg.load_from = checkpoint
        edit(cfg)
        return PoseRunner.from_cfg(cfg)

    @pytest.mark.parametrize('job', ['val', 'test'])
    def test_are_refused_in_a_test(self, config, data, tmp_path, checkpoint, job):
        with pytest.raises(InputError, match=self.said):
            getattr(self.other(config, data, tmp_path, checkpoint), job)()

    def test_are_a_warning_for_a_new_training(
        self, config, data, tmp_path, checkpoint, as_new_process, capsys
    ):
        self.other(config, data, tmp_path, checkpoint).train()
        assert re.search(f'WARNING - {self.said}; the last layer', capsys.readouterr().out)
        as_new_process()
        self.other(config, data, tmp_path, checkpoint, lambda cfg: None).train()
        assert 'another order' not in capsys.readouterr().out

    def test_of_other_names_are_taken_as_they_are(self, config, data, tmp_path, checkpoint):
        def rename(cfg):
            metainfo = cfg.test_dataloader.dataset.metainfo
            metainfo.skeleton_info = {}
            for i, point in metainfo.keypoint_info.items():
                point.update(name=f'point_{i}', swap=f'point_{[1, 0, 2, 4, 3][i]}')
            cfg.test_evaluator.keypoint_names = ['point_0', 'point_1']

        assert self.other(config, data, tmp_path, checkpoint, rename).test()['NME'] > 0

    def test_that_a_pipeline_reorders_are_not_compared(self, config, data, tmp_path, checkpoint):
        def convert(cfg):
            exchange_two(cfg)
            mapping = [(0, 0), (1, 1), (2, 2), (4, 3), (3, 4)]
            step = {'type': 'KeypointConverter', 'num_keypoints': 5, 'mapping': mapping}
            cfg.test_dataloader.dataset.pipeline.insert(1, step)

        assert self.other(config, data, tmp_path, checkpoint, convert).test()['NME'] > 0


OWN = """
from mmpose_lite.datasets import BaseCocoStyleDataset
from mmpose_lite.registry import DATASETS, MODELS
from mmpose_lite.models.losses import KeypointMSELoss

@DATASETS.register_module()
class OwnFaces(BaseCocoStyleDataset):
    def parse_data_info(self, raw_data_info):
        instance = super().parse_data_info(raw_data_info)
        instance['bbox'] = instance['bbox'] + 1
        return instance

@MODELS.register_module()
class OwnMSELoss(KeypointMSELoss):
    calls = 0

    def forward(self, *args, **kwargs):
        type(self).calls += 1
        return super().forward(*args, **kwargs)
"""


def test_parts_of_a_module_outside_the_package(config, data, tmp_path, monkeypatch, as_new_process):
    (tmp_path / 'own_parts.py').write_text(OWN)
    text = config.read_text().replace('BaseCocoStyleDataset', 'OwnFaces')
    text += "\ncustom_imports = dict(imports=['own_parts'])\n"
    text += "model['head']['loss'] = dict(type='OwnMSELoss')\n"
    config.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    runner = build(config, data, tmp_path)
    runner.train()
    import own_parts

    # One before the run, for the check of shapes; two batches of training, one of validation.
    assert own_parts.OwnMSELoss.calls == 4
    assert isinstance(runner.train_dataloader.dataset, own_parts.OwnFaces)
    first = runner.train_dataloader.dataset.get_data_info(0)['bbox'][0]
    low = points_of(0, 5).min(axis=0) + 1
    np.testing.assert_allclose(first[:2], low, rtol=1e-6)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('model.backbone.type=HRnet', "type='HRnet' is not .*nearest are HRNet"),
        ('train_dataloader.dataset.type=WFLWDatset', 'nearest are WFLWDataset'),
        ('val_evaluator.type=NMEE', 'nearest are NME'),
        ('default_hooks.checkpoint.type=CheckpointHok', 'nearest are CheckpointHook'),
        ('optim_wrapper.optimizer.type=Adem', 'nearest are Adam'),
        ('model.head.decoder.type=Xyzzy', 'none is near.*custom_imports'),
        ('train_dataloader.dataset.pipeline.1.type=GetBoxCenterScale', 'are GetBBoxCenterScale'),
        ('param_scheduler.0.type=LinearLr', 'nearest are LinearLR'),
        ('train_dataloader.collate_fn.type=pseudo_colate', 'nearest are pseudo_collate'),
        # Arguments: of a part, of those that mmengine's registries build, of a base that takes it.
        (
            'model.head.inchannels=3',
            "'HeatmapHead' takes no argument 'inchannels'.*are in_channels",
        ),
        ('train_cfg.max_epoch=3', "takes no argument 'max_epoch'; the nearest are max_epochs"),
        ('train_dataloader.sampler.shufle=1', 'nearest are shuffle'),
        ('param_scheduler.0.begn=3', 'nearest are begin'),
        ('model.xyzzy=3', "takes no argument 'xyzzy'; none is near of backbone, "),
        (
            'train_cfg.max_epochs=abc',
            r"^error: train_cfg\.max_epochs='abc' is not a whole number from 1$",
        ),
        ('train_cfg.val_interval=0', r'^error: train_cfg\.val_interval=0 is not a whole number'),
        ('train_dataloader.batch_size=two', r"^error: train_dataloader\.batch_size='two' is not a"),
        ('val_dataloader.batch_size=0', r'_dataloader\.batch_size=0 is not a whole number from 1$'),
        ('train_dataloader.num_workers=-1', r'num_workers=-1 is not a whole number from 0$'),
        ('train_dataloader.batch_size=8.0', r'batch_size=8\.0 is not a whole number from 1$'),
        ('default_hooks.checkpoint.interval=x', r"checkpoint\.interval='x' is not a whole number"),
        ('optim_wrapper.optimizer.lr=fast', r"optimizer\.lr='fast' is not a number from 0$"),
        ('randomness.seed=4294967296', r'seed=4294967296 is larger than 4294967295$'),
    ],
)
def test_what_there_is_not_names_its_nearest(
    config, data, tmp_path, as_new_process, option, message
):
    cfg = shrink(Config.fromfile(config), data, tmp_path / 'run')
    key, value = option.split('=')
    with suppress(ValueError, SyntaxError):  # a word otherwise
        value = literal_eval(value)
    cfg.merge_from_dict({key: value})
    path = tmp_path / 'dumped.py'
    cfg.dump(path)
    with pytest.raises(SystemExit, match=message) as caught:
        run_train([str(path), '--work-dir', str(tmp_path / 'run')])
    assert '\n' not in caught.value.code


@pytest.mark.parametrize(
    ('command', 'loader'),
    [('check_data', 'train_dataloader'), ('browse_dataset', 'train_dataloader'), ('test', 'model')],
)
def test_every_command_names_it(config, data, tmp_path, as_new_process, command, loader):
    part = 'dataset' if loader.endswith('loader') else 'head'
    arguments = [str(config), '--cfg-options', f'{loader}.{part}.type=Xyzzy']
    if command == 'test':
        weights = tmp_path / 'best.pth'
        weights.touch()  # it is not read
        arguments.insert(1, str(weights))
        arguments += [f'work_dir={tmp_path / "run"}']
    module = importlib.import_module(f'mmpose_lite.cli.{command}')
    with pytest.raises(SystemExit, match=r"^error: type='Xyzzy' is not in the .*none is near"):
        module.main(arguments)


def test_functions_name_it(config):
    for error in (KeyError, ValueError):
        with pytest.raises(error, match=r"^type='HRnet' is not in .*nearest are HRNet"):
            init_model(config, cfg_options={'model.backbone.type': 'HRnet'}, device='cpu')
    with pytest.raises(TypeError, match="type='HRNet' takes no argument 'inchannels'"):
        init_model(config, cfg_options={'model.backbone.inchannels': 3}, device='cpu')
