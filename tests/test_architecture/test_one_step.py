"""``docs/internals/one_step.md`` names the files that a training step enters, in their order."""

import re
import sys
from pathlib import Path

import pytest
from mmengine.hooks import Hook

import mmpose_lite
from helpers.exact_runs import make_config, train

PACKAGE = Path(mmpose_lite.__file__).parent
PAGE = PACKAGE.parent / 'docs' / 'internals' / 'one_step.md'


class TraceHook(Hook):
    """Records the files of the package that run from the end of the first step to the second's."""

    def __init__(self):
        self.files = []
        self._steps = 0

    def before_train(self, runner):
        sys.setprofile(self._note)

    def _note(self, frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if event != 'call' or not path.is_relative_to(PACKAGE):
            return
        self._steps += frame.f_code.co_name == '_end_if_asked'
        name = path.relative_to(PACKAGE).as_posix()
        if self._steps == 1 and name not in self.files:
            self.files.append(name)


@pytest.mark.slow
def test_the_page_names_the_files_in_their_order(tmp_path, as_new_process, monkeypatch):
    monkeypatch.delenv('MMPOSE_LITE_VERBOSE')
    hook = TraceHook()
    cfg = make_config(
        tmp_path,
        train_cfg__max_epochs=1,
        train_dataloader__batch_size=8,
        default_hooks__logger__interval=1,
    )
    try:
        train(cfg, tmp_path / 'run', hook=hook)
    finally:
        sys.setprofile(None)
    named = re.findall(r'^\d+\. `([\w/]+\.py)`', PAGE.read_text(encoding='utf-8'), re.MULTILINE)
    assert named == hook.files
