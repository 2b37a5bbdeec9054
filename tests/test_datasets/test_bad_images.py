"""Images that cannot be read: refused, or replaced as (seed, epoch, index) say."""

import shutil

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, pseudo_collate
from torch.utils.data import DataLoader

from helpers.data_factory import ANNOTATIONS
from mmpose_lite.datasets import AFLWDataset, DefaultSampler
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.errors import InputError
from mmpose_lite.utils.images import BadImageError, MissingImageError

PIPELINE = [
    {'type': 'LoadImage'},
    {'type': 'GetBBoxCenterScale'},
    {'type': 'RandomFlip'},
    {'type': 'RandomBBoxTransform'},
    {'type': 'TopdownAffine', 'input_size': (32, 32)},
    {'type': 'PackPoseInputs', 'pack_transformed': True, 'meta_keys': ('id',)},
]
BAD = (2, 5, 6)


@pytest.fixture
def damaged(face_set, tmp_path):
    """The set with one image missing, one empty and one cut."""
    root = tmp_path / 'set'
    shutil.copytree(face_set, root)
    paths = [root / 'images' / f'face{i}.png' for i in BAD]
    paths[0].unlink()
    paths[1].write_bytes(b'')
    paths[2].write_bytes(paths[2].read_bytes()[:40])
    return root


def load(root, on_bad_image='replace', pipeline=PIPELINE, **arguments):
    return AFLWDataset(
        data_root=str(root),
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        pipeline=pipeline,
        on_bad_image=on_bad_image,
        **arguments,
    )


def get(dataset, index, seed=5, epoch=0):
    return dataset[SampleIndex(index, seed, epoch)]


def faces(dataset, **key):
    return [get(dataset, i, **key)['data_samples'].id - 1 for i in range(len(dataset))]


@pytest.mark.parametrize('arguments', [{}, {'test_mode': True}])
def test_bad_images_are_refused_by_default(damaged, arguments):
    dataset = load(damaged, 'refuse', **arguments)
    with pytest.raises(MissingImageError, match=r'face2\.png'):
        get(dataset, 2)
    with pytest.raises(BadImageError, match=r'face5\.png.* is not an image .*0 bytes'):
        get(dataset, 5)
    with pytest.raises(BadImageError, match=r'face6\.png'):
        dataset[6]


def test_another_face_stands_in_and_says_for_what(damaged):
    dataset = load(damaged)
    sample = get(dataset, 2)
    stand_in = sample['data_samples'].id - 1
    assert stand_in not in BAD
    problems = sample['data_samples'].bad_images
    assert 'face2.png' in problems[0]
    assert 'does not exist' in problems[0]
    assert 'bad_images' not in get(dataset, 1)['data_samples']


def test_whole_samples_are_as_they_were(damaged, face_set):
    whole, found = load(face_set, 'refuse'), load(damaged)
    for i in set(range(8)) - set(BAD):
        assert torch.equal(get(whole, i)['inputs'], get(found, i)['inputs'])


def test_a_stand_in_is_augmented_as_what_it_replaces(damaged, face_set):
    replaced = get(load(damaged), 2)
    face = replaced['data_samples'].id - 1
    whole = load(face_set, 'refuse')
    alike = whole.load_sample(SampleIndex(2, 5, 0), face)
    assert torch.equal(replaced['inputs'], alike['inputs'])


def test_seed_epoch_and_index_decide(damaged):
    first = faces(load(damaged))
    dataset = load(damaged)
    for i in (7, 6, 2, 0, 5, 2):  # another order, more than once
        assert get(dataset, i)['data_samples'].id - 1 == first[i]
    others = [faces(dataset, **key) for key in ({'epoch': 1}, {'epoch': 2}, {'seed': 6})]
    assert any(other != first for other in others)
    drawn = {face for each in [first, *others] for face in (each[i] for i in BAD)}
    assert len(drawn) > 2


def test_a_bad_stand_in_is_replaced_by_the_next_draw(damaged):
    """With more and more bad images, draws that were good stay what they were."""
    dataset = load(damaged)
    before = {(i, e): get(dataset, i, epoch=e)['data_samples'] for i in BAD for e in range(4)}
    (damaged / 'images' / 'face1.png').unlink()
    moved = 0
    for (i, epoch), old in before.items():
        new = get(dataset, i, epoch=epoch)['data_samples']
        if old.id - 1 == 1:
            moved += 1
            assert new.id - 1 not in (*BAD, 1)
            assert new.bad_images[: len(old.bad_images)] == old.bad_images
            assert 'face1.png' in new.bad_images[len(old.bad_images)]
        else:
            assert new.id == old.id
    assert moved


# Python 3.12 and later warn about any fork of a process with threads.
@pytest.mark.filterwarnings('ignore:This process:DeprecationWarning')
def test_workers_and_the_sampler_change_nothing(damaged):
    def epoch(workers):
        sampler = DefaultSampler(range(8), shuffle=True, seed=5)
        loader = DataLoader(
            load(damaged), 3, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate
        )
        return [
            (sample.id, sample.get('bad_images'), image.numpy().tobytes())
            for batch in loader
            for image, sample in zip(batch['inputs'], batch['data_samples'], strict=True)
        ]

    alone = epoch(0)
    assert sum(problems is not None for _, problems, _ in alone) == 3
    assert epoch(2) == alone


def test_parts_of_a_whole_replace_from_their_own(damaged, face_set):
    whole = ConcatDataset([load(face_set), load(damaged)])
    index = SampleIndex(10, 5, 0)
    assert 'face2.png' in whole[index]['data_samples'].bad_images[0]
    assert 'bad_images' not in whole[SampleIndex(2, 5, 0)]['data_samples']


def test_a_plain_index_has_stand_ins_too(damaged):
    first, second = (load(damaged)[2]['data_samples'].id for _ in range(2))
    assert first == second


@pytest.mark.parametrize('error', [ValueError, KeyError, InputError, OSError, RuntimeError])
def test_errors_that_are_not_the_image_s_are_not_replaced(damaged, error):
    def fail(results):
        if results['id'] == 1:  # for others it would go well
            raise error('a fault of the program')
        return results

    dataset = load(damaged, pipeline=[PIPELINE[0], fail, *PIPELINE[1:]])
    for epoch in range(4):
        with pytest.raises(error, match='a fault of the program'):
            get(dataset, 0, epoch=epoch)


def test_too_few_handles_are_not_the_image_s_fault(face_set, monkeypatch):
    def refuse(*_, **__):
        raise OSError(24, 'Too many open files')

    monkeypatch.setattr('mmpose_lite.utils.images.open', refuse, raising=False)
    with pytest.raises(OSError, match='Too many open files') as caught:
        get(load(face_set), 0)
    assert not isinstance(caught.value, BadImageError)


def test_nothing_left_to_stand_in_ends_the_run(damaged):
    for path in (damaged / 'images').iterdir():
        path.unlink()
    dataset = load(damaged, {'mode': 'replace', 'max_in_a_row': 7})
    with pytest.raises(
        InputError, match=r'7 images in a row .*max_in_a_row=7.*face3\.png'
    ) as caught:
        get(dataset, 3)
    assert not isinstance(caught.value, BadImageError)


def test_samples_that_cannot_be_counted_are_refused(damaged):
    with pytest.raises(InputError, match='ends with PackPoseInputs'):
        get(load(damaged, pipeline=PIPELINE[:-1]), 2)


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        ('skip', "on_bad_image='skip' is neither 'refuse', nor 'replace'"),
        ({'mode': 'repalce'}, 'repalce'),
        ({'max_shrae': 0.1}, 'max_shrae.*max_share, max_in_a_row'),
        ({'max_share': 1.5}, r'max_share=1\.5 is not a share from 0 to 1'),
        ({'max_share': float('nan')}, 'max_share=nan'),
        ({'max_in_a_row': 0}, 'max_in_a_row=0 is not a whole number'),
        ({'max_in_a_row': 2.5}, 'max_in_a_row=2.5 is not a whole number'),
    ],
)
def test_wrong_settings_are_named(damaged, setting, message):
    with pytest.raises(InputError, match=message):
        load(damaged, setting)


@pytest.mark.parametrize('setting', ['replace', {'max_share': 0.1}])
def test_tests_never_replace(damaged, setting):
    with pytest.raises(InputError, match='in a test every face counts'):
        load(damaged, setting, test_mode=True)
    refusing = load(damaged, {'mode': 'refuse', 'max_share': 0.1}, test_mode=True)
    assert refusing.bad_image_replacement is None


def test_draws_are_even(face_set):
    """Every face is drawn about as often as any other."""
    replacement = load(face_set).bad_image_replacement

    def fail_once(index, which, seen):
        if not seen:
            seen.append(which)
            raise BadImageError('bad')
        return {'data_samples': type('S', (), {'set_field': lambda *_, **__: None}), 'face': which}

    drawn = []
    for epoch in range(800):
        seen = []
        sample = replacement.prepare(
            lambda index, which, seen=seen: fail_once(index, which, seen),
            SampleIndex(3, 0, epoch),
            8,
        )
        drawn.append(sample['face'])
    assert np.bincount(drawn, minlength=8).min() > 60
