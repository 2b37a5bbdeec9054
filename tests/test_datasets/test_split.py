"""Two parts of a set of photographs by a hash of their names."""

import json

import pytest

from helpers.data_factory import ANNOTATIONS, make_face_set, write_annotations
from mmpose_lite.data_tools.checks import check_splits, find_splits
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.datasets.datasets.base.subsets import TrainValSplit
from mmpose_lite.utils import InputError

# The first 8 bytes of each name's SHA-256 modulo 10,000, by sha256sum.
BUCKETS = {
    'face0.png': 3220,
    '0/image00002.jpg': 3772,
    '3/image65000.jpg': 1044,
    'a face é.png': 3902,
}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_face_set(tmp_path_factory.mktemp('faces'), train=16, test=4)


def load(root, part=None, share=0.5, split='train', **kwargs):
    parts = {'part': part, 'val_share': share} if part else None
    settings = {'train_val_split': parts, **kwargs}
    return AFLWDataset(
        data_root=str(root),
        ann_file=ANNOTATIONS.format(split),
        data_prefix={'img': 'images/'},
        **settings,
    )


def names(dataset):
    return [dataset.get_data_info(i)['img_path'].rpartition('/')[2] for i in range(len(dataset))]


@pytest.mark.parametrize('name', BUCKETS)
def test_a_name_belongs_to_one_part_for_ever(name):
    share = (BUCKETS[name] + 1) / 10_000
    assert TrainValSplit('val', share).has(name)
    assert not TrainValSplit('train', share).has(name)
    assert TrainValSplit('train', BUCKETS[name] / 10_000).has(name)


def test_parts_have_every_face_once_and_keep_their_order(root):
    whole, train, val = names(load(root)), names(load(root, 'train')), names(load(root, 'val'))
    assert sorted(train + val) == sorted(whole)
    assert [name for name in whole if name in train] == train
    assert min(len(train), len(val)) >= 4


@pytest.mark.parametrize('name', BUCKETS)
def test_the_test_part_is_of_the_last_numbers(name):
    share = 1 - BUCKETS[name] / 10_000
    assert TrainValSplit('test', 0.01, share).has(name)
    assert not TrainValSplit('train', 0.01, share).has(name)
    assert TrainValSplit('train', 0.01, share - 0.0001).has(name)
    # Neither share moves a photograph of the other.
    assert TrainValSplit('test', 0.09, share).has(name)
    val = (BUCKETS[name] + 1) / 10_000
    assert TrainValSplit('val', val, 0.01).has(name)
    assert TrainValSplit('val', val, 0.5 - val / 2).has(name)


def test_three_parts_have_every_face_once(root):
    shares = {'val_share': 0.3, 'test_share': 0.3}
    parts = [
        names(load(root, train_val_split={'part': part, **shares}))
        for part in ('train', 'val', 'test')
    ]
    assert sorted(name for part in parts for name in part) == sorted(names(load(root)))
    assert min(map(len, parts)) >= 2


def test_the_share_is_that_of_many_photographs():
    split = TrainValSplit('val', 0.1)
    share = sum(split.has(f'0/image{i:05d}.jpg') for i in range(20_000)) / 20_000
    assert share == pytest.approx(0.1, abs=0.007)  # three standard deviations


def test_faces_of_one_photograph_are_in_one_part(tmp_path, root):
    content = json.loads((root / ANNOTATIONS.format('train')).read_text())
    pairs = list(zip(content['images'], content['annotations'], strict=True))
    for (image, _), (_, second) in zip(pairs[::2], pairs[1::2], strict=True):
        second['image_id'] = image['id']
    (tmp_path / 'images').symlink_to(root / 'images')
    write_annotations(tmp_path, 'train', pairs)
    for part in ('train', 'val'):
        found = names(load(tmp_path, part))
        assert found
        assert all(found.count(name) == 2 for name in found)


def test_a_smaller_share_takes_from_the_same_photographs(root):
    assert set(names(load(root, 'val', 0.3))) < set(names(load(root, 'val', 0.6)))


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'val_share': 0.1}, 'must be a dict of part'),
        ({'part': 'test'}, "{'part': 'test'}: the test part needs a test_share"),
        ({'part': 'tset'}, "{'part': 'tset'} must be a dict of part"),
        ({'part': 'val', 'test_share': 0.9}, 'test_share=0.9 must be from 0 on, and leave'),
        ({'part': 'val', 'test_share': -0.1}, 'test_share=-0.1'),
        ({'part': 'val', 'test_share': None}, 'test_share=None'),
        ({'part': 'val', 'seed': 1}, 'must be a dict of part'),
        (0.1, 'train_val_split=0.1'),
        ({'part': 'val', 'val_share': 0}, 'train_val_split.val_share=0 must be between'),
        ({'part': 'val', 'val_share': 1.0}, 'val_share=1.0'),
        ({'part': 'val', 'val_share': True}, 'val_share=True'),
        ({'part': 'val', 'val_share': '0.1'}, "val_share='0.1'"),
    ],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises(InputError) as error:
        TrainValSplit.of(settings)
    assert said in str(error.value)


def test_a_part_without_a_face_is_refused(root):
    with pytest.raises(InputError, match=r'face_landmarks_aflw_train.json: .*has none of its 16'):
        load(root, 'val', 0.0001)


def test_a_subset_outside_of_the_part_is_refused_and_says_so(root):
    inside = load(root, 'val').get_data_info(0)['id']
    held = load(root, 'val', subsets={'some': [inside]})
    assert 'some' in held.get_data_info(0)['subsets']
    with pytest.raises(InputError, match=r"subsets\['some'\] has no face .*train_val_split: train"):
        load(root, 'train', subsets={'some': [inside]})


def test_parts_have_crops_of_their_own(root, tmp_path, capsys, as_new_process):
    steps = [
        {'type': 'LoadImage'},
        {'type': 'GetBBoxCenterScale'},
        {'type': 'TopdownAffine', 'input_size': (32, 32)},
        {'type': 'PackPoseInputs'},
    ]
    settings = {'pipeline': steps, 'cache': str(tmp_path / 'crops')}
    fewest = min(len(load(root, part)) for part in ('train', 'val'))
    # As many faces, but not the same ones: each file keeps its name, and none is built anew.
    for _ in range(2):
        parts = [load(root, part, indices=fewest, **settings) for part in ('train', 'val')]
        assert [len(dataset.crops.file) for dataset in parts] == [fewest, fewest]
        assert not set(names(parts[0])) & set(names(parts[1]))
    assert len(list((tmp_path / 'crops').glob('*.crops'))) == 2
    assert capsys.readouterr().out.count('MB per 1,000 faces') == 2


def test_a_check_reads_the_file_once_and_as_a_whole(root):
    dataset = {
        'type': 'AFLWDataset',
        'data_root': str(root),
        'ann_file': ANNOTATIONS.format('train'),
        'data_prefix': {'img': 'images/'},
    }
    cfg = {
        f'{part}_dataloader': {'dataset': {**dataset, 'train_val_split': {'part': part}}}
        for part in ('train', 'val')
    }
    report = check_splits(find_splits(cfg))
    assert [(split['name'], split['faces']) for split in report.splits] == [('train, val', 16)]
    assert not report.faults
