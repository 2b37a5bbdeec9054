"""Reads checkpoint files by one entry point, in a process whose every step outside is recorded.

    python entry_points.py ENTRY JOB.json

The job names a config, a working folder, and files; on the standard output comes, as the last line,
a JSON object: of each file the error, and what it did that no reading does.
"""

import copy
import json
import os
import site
import sys
from collections.abc import Callable
from pathlib import Path

import safetensors.torch  # noqa: F401  (an import reads code by marshal)

import mmpose_lite.checkpoints.safetensors_files  # noqa: F401  (at its first use otherwise)

HERE = Path(__file__).resolve()
HOME = [HERE.parents[2], sys.prefix, sys.base_prefix, *site.getsitepackages()]
CODE = tuple(str(Path(each).resolve()) for each in HOME)

NEVER = (
    'os.system', 'os.exec', 'os.fork', 'os.posix_spawn', 'os.spawn', 'os.startfile', 'os.forkpty',
    'subprocess.Popen', 'pty.spawn', 'webbrowser.open', 'code.__new__', 'function.__new__',
    'socket.', 'ctypes.', 'urllib.', 'http.', 'ftplib.', 'smtplib.', 'imaplib.', 'ssl.', 'marshal.',
    'pickle.find_class', 'cpython.run_', 'builtins.input', 'builtins.breakpoint',
    'sys.addaudithook',
)  # fmt: skip
CHANGES = ('os.remove', 'os.rename', 'os.rmdir', 'os.mkdir', 'os.link', 'os.symlink', 'os.chmod')
CHANGES = (*CHANGES, 'os.truncate', 'shutil.rmtree', 'shutil.move', 'shutil.copyfile')
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Records, while it is armed, what the process does outside itself.

    Where it is to block, what it records does not happen: a fault in the reader runs nothing.
    """

    def __init__(self, folder: str, blocks: bool) -> None:
        self.blocks = blocks
        self.folder = os.path.realpath(folder) + os.sep
        self.armed = False
        self.seen: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple) -> None:
        if self.armed and self.is_foreign(event, arguments):
            self.armed = False  # describing it is no event
            self.seen.append(f'{event} {arguments!r:.200}')
            self.armed = True
            if self.blocks:
                raise RuntimeError(f'blocked: {event}')

    def is_foreign(self, event: str, arguments: tuple) -> bool:
        if event == 'open':
            path, mode, flags = arguments
            writes = any(letter in (mode or '') for letter in 'wax+') or (flags or 0) & WRITES
            return bool(writes) and self.is_outside(path)
        if event in CHANGES:
            return any(self.is_outside(path) for path in arguments[:2] if isinstance(path, str))
        if event == 'exec':
            return not str(arguments[0].co_filename).startswith((*CODE, '<frozen'))
        if event == 'compile':
            return not str(arguments[1]).startswith((*CODE, '<frozen'))
        return event.startswith(NEVER)

    def is_outside(self, path: object) -> bool:
        if isinstance(path, int):  # something that is open already
            return False
        return not os.path.realpath(os.fsdecode(path)).startswith(self.folder)


def build_entry(entry: str, job: dict) -> Callable[[str], object]:
    """The function that reads a file as the entry point does."""
    from mmpose_lite.apis import init_model
    from mmpose_lite.apis.config import load_config
    from mmpose_lite.checkpoints import install_checkpoint_reader
    from mmpose_lite.registry import MODELS

    options = {'work_dir': job['folder']}
    if entry == 'init':
        config = load_config(job['config'], options)
        return lambda path: init_model(copy.deepcopy(config), path, device='cpu')
    if entry == 'convert':
        from mmpose_lite.cli.convert_checkpoint import convert_checkpoint

        output = os.path.join(job['folder'], 'out', 'net.pth')
        return lambda path: convert_checkpoint(path, output)
    if entry == 'pretrained':
        install_checkpoint_reader()
        backbone = load_config(job['config'], options).model.backbone
        model = MODELS.build(backbone)

        def start(path: str) -> None:
            model.init_cfg = {'type': 'Pretrained', 'checkpoint': path, 'prefix': 'backbone'}
            model.is_init = False
            model.init_weights()

        return start
    if entry == 'unsafe':
        import torch

        return lambda path: torch.load(path, weights_only=False)
    return runner_entry(entry, job)


def runner_entry(entry: str, job: dict) -> Callable[[str], object]:
    """Load as the tools' runners do with ``load_from`` and ``--resume`` once they are built.

    The runner is built once: what it does before it looks at the file is the same for all.
    """
    import importlib

    from mmpose_lite.apis.config import load_config
    from mmpose_lite.apis.training import build_runner

    tool = importlib.import_module(f'mmpose_lite.cli.{"test" if entry == "test" else "train"}')
    given = {'test': ['FILE'], 'train': ['--cfg-options', 'load_from=FILE']}
    arguments = given.get(entry, ['--resume', 'FILE'])
    args = tool.parse_args([job['config'], *arguments, '--work-dir', job['folder']])
    cfg = tool.merge_args(load_config(args.config, args.cfg_options), args)
    assert cfg.load_from == 'FILE'
    runner = build_runner(cfg)
    assert runner._load_from == 'FILE'
    assert runner._resume == (entry == 'resume')
    runner._strict_loading = entry == 'test'

    def load(path: str) -> None:
        runner._load_from, runner._has_loaded = path, False
        runner.load_or_resume()

    return load


def main() -> None:
    entry, job = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    watch = Watch(job['folder'], blocks=entry != 'unsafe')
    read = build_entry(entry, job)
    for path in job['warm_up']:  # what is imported at the first use is not a file's doing
        attempt(read, path)
    results = {}
    for family, path in job['files'].items():
        watch.seen, before = [], set(sys.modules)
        watch.armed = True
        error = attempt(read, path)
        watch.armed = False
        seen = watch.seen + [f'import {each}' for each in set(sys.modules) - before]
        if Path(job['canary']).exists():
            seen.append('canary')
            Path(job['canary']).unlink()
        results[family] = {'error': error, 'seen': seen}
    print('\n' + json.dumps(results))


def attempt(read: Callable[[str], object], path: str) -> list[str] | None:
    """The kinds and the message of the error; None if there is none."""
    try:
        read(path)
    except (Exception, SystemExit) as error:
        kinds = ' '.join(kind.__name__ for kind in type(error).__mro__)
        return [kinds, str(error)]
    return None


if __name__ == '__main__':
    main()
