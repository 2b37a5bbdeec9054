"""The pages, typed from top to bottom in a folder with a small set, a network and photographs."""

import io
import json
import re
import shutil
import sys
import textwrap
from dataclasses import dataclass
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest

from helpers.data_factory import write_tiny_config
from helpers.in_process import run_main
from helpers.pages import Block, blocks_of, commands_of
from helpers.processes import ROOT
from helpers.shown_output import check_shapes, missing_lines
from mmpose_lite.apis import load_config
from mmpose_lite.cli.main import main as run_command

pytestmark = pytest.mark.slow

# Where the blocks of the other pages run, or why they are no instructions.
ELSEWHERE = {
    'docs/aflw.md': 'test_converters, and test_tools on a set in its form',
    'docs/datasets.md': 'test_converters',
    'docs/labelling.md': 'test_converters; the loop of a model and labelme by test_label_writers',
    'docs/distributed.md': 'test_distributed starts the processes',
    'docs/own_points.md': 'test_own_points, and the notebook',
    'docs/performance.md': 'commands of benchmarks',
    'docs/reliability.md': 'commands of benchmarks',
    'docs/results.md': 'a record of runs',
}
PAGES = [
    str(page.relative_to(ROOT)) for page in (ROOT / 'README.md', *sorted(ROOT.glob('docs/*.md')))
]
RUN = [page for page in PAGES if page not in ELSEWHERE and any(blocks_of(ROOT / page))]

AFLW = 'face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
ZOO = 'hrnetv2_w18_aflw_256x256-f2bbc62b_20210125.pth'
# What stands on a page for something of the reader's.
WORDS = {
    '$CONFIG': 'tiny.py',
    'CONFIG': 'tiny.py',
    'CONFIG_2': 'tiny.py',
    'my_config.py': 'tiny.py',
    'my_mmpose_config.py': 'tiny.py',
    'data/my_faces/hrnetv2_my_faces.py': 'tiny.py',
    f'load_from={ZOO}': 'load_from=my_mmpose_checkpoint.pth',
    'td-hm_hrnetv2-w18_synthetic-aflw-128x128': 'tiny.py',
    '$CKPT': 'best.pth',
    'CKPT': 'best.pth',
    'CHECKPOINT': 'best.pth',
    'IN': 'best.pth',
    'OUT': 'converted.pth',
    'WORK_DIR': 'work_dirs/tiny',
    'MODEL': 'best.pth',
    r'(.+)_\d+': r'(.+)\d\d',
    'train_dataloader.dataset.pipeline.5.encoder.sigma=1': 'train_pipeline.3.encoder.sigma=1',
    'model.head.in_channels=270': 'model.head.in_channels=32',
    'train_cfg.max_epochs=80': 'train_cfg.max_epochs=3',
}
# What makes a command small: values of options that it has on a page, or options that it gets.
SMALLER = {
    'make-synthetic': {'--train': 8, '--test': 4},
    'bench': {'--rounds': 1, '--batch': 2},
}
# Commands that cannot be run here, by how they begin.
NOT_RUN = {
    'predict faces19 0': 'a webcam',
    'predict faces19 data/synthetic_aflw': 'the faces of the quick start, which is not run',
    'predict best.pth photos --detector yunet': 'weights of OpenCV',
    'calibrate faces19': 'hundreds of faces that a detector finds; test_calibrate_command',
    'calibrate data/my_faces': 'the same on a set of your own',
    'predict mine/': 'the same file',
    'quickstart': 'it starts programs; test_quickstart',
    'demo': 'it fetches a package; test_demo',
    'train CONFIG --log wandb': 'a package; test_log_option',
    'train CONFIG --compile': 'a C++ compiler; test_compile',
    'convert coco': 'test_converters',
    'adapt faces19 data/my_faces': 'the file of the command before it; docs/faces19.md adapts',
    'export CONFIG CKPT --weights int8': 'a network of 8 channels cannot be quantised; test_files',
}

# Blocks that are neither commands nor programs, by how they begin, and why they are no output of
# the commands before them. All others are compared.
NO_OUTPUT = {
    'docs/distributed.md': {'error: rank 5 of 8': 'test_distributed kills ranks and compares'},
    'docs/own_points.md': {
        '{': 'an annotation file, which test_own_points reads',
        'param_scheduler.0 (LinearLR)': 'test_preflight has the message',
        'configs/': 'the name of a config',
    },
    'docs/start.md': {'metrics  work': 'the end of the quick start, which is not run'},
    'docs/faces19.md': {'LeftBrow': 'names of points; test_faces19 compares them'},
    'docs/results.md': {'NME full': 'a record of runs'},
    'docs/aflw.md': {'data/aflw/': 'a tree of folders'},
    'docs/datasets.md': {'data/': 'a tree of folders'},
}
# What stands above a block that is a whole file: its name, at the start of a line.
FILE_NAME = re.compile(r'`(\w+\.py)`')
# Commands of a shell, of git and of this checkout, which are not those of mmpose-lite.
OTHER_COMMANDS = re.compile(
    r'(NNODES=|GPUS=|torchrun|python3? |make |eval |git |pip |cd |export |mkdir |MMPOSE_)'
)


@pytest.fixture(scope='module')
def rendered(tmp_path_factory, trained):
    """A set of rendered faces, which a detector finds, with predictions and a video of it."""
    folder = tmp_path_factory.mktemp('rendered')
    run_main(run_command, 'make-synthetic', 'faces', '--train', 12, '--test', 16, cwd=folder)
    faces = folder / 'faces'
    config = write_tiny_config(folder, faces)
    run_main(run_command, 'test', config, trained.checkpoint, '--dump', 'dump.json', cwd=folder)
    shutil.copy(folder / 'dump.json', faces)
    picture = cv2.resize(cv2.imread(str(min((faces / 'images').rglob('*.jpg')))), (320, 240))
    video = cv2.VideoWriter(
        str(faces / 'talk.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 25, (320, 240)
    )
    for shift in range(4):
        video.write(np.roll(picture, shift, axis=1))
    video.release()
    return faces


@pytest.fixture
def desk(tmp_path, rendered, trained):
    """A folder with what the pages take for granted."""
    write_tiny_config(tmp_path, rendered)
    folders = ('quickstart/best',)
    checkpoints = ['best.pth', 'my_mmpose_checkpoint.pth']
    checkpoints += [f'work_dirs/{name}.pth' for name in folders]
    for name in checkpoints:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(trained.checkpoint, tmp_path / name)
    seeds = [f'{recipe}_{seed}' for recipe in ('plain', 'dark') for seed in range(3)]
    for name in ('predictions', 'one', 'two', 'others', *seeds):
        shutil.copy(rendered / 'dump.json', tmp_path / f'{name}.json')
    annotations = rendered / 'annotations' / 'face_landmarks_aflw_train.json'
    shutil.copy(annotations, tmp_path / 'mine.json')
    (tmp_path / 'flickr').symlink_to(rendered / 'images' / 'flickr')
    (tmp_path / 'MY').mkdir()
    (tmp_path / 'MY' / 'SET').symlink_to(rendered)
    shutil.copy(rendered / 'talk.mp4', tmp_path)
    photographs = sorted((rendered / 'images').rglob('*.jpg'))[:3]
    (tmp_path / 'photos').mkdir()
    for path in photographs:
        shutil.copy(path, tmp_path / 'photos')
    boxes = {path.name: [[20, 20, 120, 120]] for path in photographs}
    (tmp_path / 'boxes.json').write_text(json.dumps(boxes), encoding='utf-8')
    shutil.copy(photographs[0], tmp_path / 'photo.jpg')
    return tmp_path


@dataclass
class KeyPoints:
    """The form of supervision's."""

    xy: np.ndarray
    class_id: np.ndarray | None = None
    confidence: np.ndarray | None = None
    data: dict | None = None


def test_every_page_is_run_here_or_elsewhere():
    assert set(ELSEWHERE) <= set(PAGES)
    assert len(RUN) > 15


@pytest.mark.parametrize('page', RUN)
def test_a_page_can_be_typed(page, desk, monkeypatch):
    monkeypatch.chdir(desk)
    monkeypatch.syspath_prepend(desk)
    supervision = MagicMock(KeyPoints=KeyPoints)  # packages that tests do without
    monkeypatch.setitem(sys.modules, 'supervision', supervision)
    monkeypatch.setitem(sys.modules, 'pandas', MagicMock())
    names = {
        'photo': cv2.imread('photo.jpg'),
        'crops': np.zeros((1, 64, 64, 3), np.uint8),
        'photograph': cv2.imread('photo.jpg'),
        'boxes': [[20, 20, 120, 120]],
        'file': io.StringIO(),
        'json': json,
        'sv': supervision,
    }
    printed = ''
    for block in blocks_of(ROOT / page):
        print(block.place)  # shown where it fails
        if block.is_python and (name := file_name(block)):
            text = re.sub(r"_base_ = (\(\s*)?'.*'(\s*\))?", "_base_ = 'tiny.py'", block.text)
            (desk / name).write_text(text, encoding='utf-8')
        elif block.is_python and 'import ' in block.text:
            run_program(block, names)
            check_shapes(block, names)
        elif block.is_python:
            read_fragment(block, desk)
        for words in commands_of(block):
            printed += run_words(words, desk)
        if is_output(block):
            assert not missing_lines(block.text, printed + log_of(desk)), block.place


def file_name(block):
    """The name of the file that a block is, if the paragraph above begins with it."""
    above = block.page.read_text(encoding='utf-8').splitlines()[: block.line - 1]
    paragraph = '\n'.join(above).removesuffix('```python').rstrip().rpartition('\n\n')[2]
    found = FILE_NAME.match(paragraph)
    return found and found[1]


def is_output(block):
    """Tell if a block shows what the commands before it print."""
    text = block.text.strip()
    if block.is_python or list(commands_of(block)) or OTHER_COMMANDS.match(text):
        return False
    others = NO_OUTPUT.get(str(block.page.relative_to(ROOT)), {})
    return not text.startswith(tuple(others))


def log_of(folder):
    """The logs of all trainings in a folder."""
    return ''.join(path.read_text() for path in sorted(folder.glob('work_dirs/*/*/*.log')))


def test_outputs_are_known():
    """Each block of a page is run, compared, or has its reason here."""
    blocks = [block for page in PAGES for block in blocks_of(ROOT / page)]
    outputs = {str(block.page.relative_to(ROOT)) for block in blocks if is_output(block)}
    assert outputs == {'docs/confidence.md', 'docs/training_logs.md'}
    for page, starts in NO_OUTPUT.items():
        texts = [block.text.strip() for block in blocks_of(ROOT / page)]
        unused = [start for start in starts if not any(text.startswith(start) for text in texts)]
        assert not unused, page


@pytest.mark.parametrize(
    ('shown', 'printed', 'missing'),
    [
        ('best epoch 52 of 60: NME ...; a_52.pth', 'INFO best epoch 2 of 2: NME 0.1; a_2.pth', 0),
        ('+0.004 to the right', '-1.25 to the right', 0),
        ('5.4%; 1,150 faces', '15%; 3 faces', 0),
        ('5.4%; 150 faces', '5.4 %; 150 faces', 1),
        ('one\n\ntwo', 'one', 1),
        ('NME of these', 'NME of those', 1),
    ],
)
def test_lines_are_compared_but_for_their_numbers(shown, printed, missing):
    assert len(missing_lines(shown, printed)) == missing


def test_a_shape_that_a_comment_has_wrong_is_named():
    names = {'a': np.zeros((1, 19, 2))}
    block = Block(ROOT / 'README.md', 1, 'print(a)   # (1, K, 2), pixels')
    assert check_shapes(block, names) == 1
    with pytest.raises(
        AssertionError, match=r'README.md:1 shows \(1, 5, 2\), but it is \(1, 19, 2\)'
    ):
        check_shapes(block._replace(text='print(a.shape)   # (1, 5, 2)'), names)


def run_words(words, desk):
    """Run a command of a page, with the reader's own files and small numbers; return its output."""
    if not words or words[0].isupper():  # `mmpose-lite`, and `mmpose-lite COMMAND --help`
        return ''
    if any(' '.join(words).startswith(command) for command in NOT_RUN):
        return ''
    words = [WORDS.get(word, word) for word in words]
    # Of a training that the page has just shown, by its own name.
    words = ['best.pth' if word.endswith('best.pth') else word for word in words]
    if words[0] == 'train' and not {'--resume', '--work-dir'} & set(words):
        shutil.rmtree(desk / 'work_dirs' / 'tiny', ignore_errors=True)
    for option, value in SMALLER.get(words[0], {}).items():
        if option in words:
            words[words.index(option) + 1] = value
        else:
            words += [option, value]
    try:
        return run_main(run_command, *words, cwd=desk)
    except SystemExit as end:
        if (words[0], end.code) != ('check-data', 1):  # 20 faces are no AFLW
            raise
        return ''


def run_program(block, names):
    """Run a program; blocks of a page follow each other."""
    text = textwrap.dedent(block.text)
    text = re.sub(r"'configs/quickstart/\S+\.py'", "'tiny.py'", text)
    exec(compile(text, block.place, 'exec'), names)


def read_fragment(block, desk):
    """Read some lines of a config on top of a whole one; ``...`` stands for what was left out."""
    text = textwrap.dedent(block.text)
    base = '' if '_base_ =' in text else f"_base_ = 'mmpose_lite::{AFLW}'\n"
    path = desk / 'fragment.py'
    path.write_text(base + re.sub(r'\w+=\.\.\.,?', '', text), encoding='utf-8')
    load_config(path)
