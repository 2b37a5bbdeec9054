"""Face configs, point descriptions and registries of MMPose, as numbers and names.

The facts are in mmpose_faces.json and mmpose_registries.json, recorded from the files of MMPose
1.3.2, of which nothing is run but configs:

    python tests/helpers/mmpose_facts.py .../site-packages/mmpose/.mim/configs

One config stands there in full, flattened, the others as what differs from it or from another.
"""

import ast
import json
import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config

STORED = Path(__file__).with_name('mmpose_faces.json')
REGISTRIES = Path(__file__).with_name('mmpose_registries.json')
FACE = 'face_2d_keypoint'
FIRST = f'{FACE}/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
_HRNET = 'td-hm_hrnetv2-w18'
_WHOLE = 'coco-wholebody-face-256x256'
OTHERS = [
    f'{FACE}/{kind}/{name}.py'
    for kind, names in {
        'topdown_heatmap/300w': [f'{_HRNET}_8xb64-60e_300w-256x256'],
        'topdown_heatmap/300wlp': [f'{_HRNET}_8xb64-60e_300wlp-256x256'],
        'topdown_heatmap/aflw': [f'{_HRNET}_dark-8xb64-60e_aflw-256x256'],
        'topdown_heatmap/coco_wholebody_face': [
            f'{_HRNET}_8xb32-60e_{_WHOLE}',
            f'{_HRNET}_dark-8xb32-60e_{_WHOLE}',
            f'td-hm_res50_8xb32-60e_{_WHOLE}',
            f'td-hm_hourglass52_8xb32-60e_{_WHOLE}',
            f'td-hm_mobilenetv2_8xb32-60e_{_WHOLE}',
            f'td-hm_scnet50_8xb32-60e_{_WHOLE}',
        ],
        'topdown_heatmap/cofw': [f'{_HRNET}_8xb64-60e_cofw-256x256'],
        'topdown_heatmap/wflw': [
            f'{_HRNET}_8xb64-60e_wflw-256x256',
            f'{_HRNET}_awing-8xb64-60e_wflw-256x256',
            f'{_HRNET}_dark-8xb64-60e_wflw-256x256',
        ],
        'topdown_regression/wflw': [
            'td-reg_res50_8xb64-210e_wflw-256x256',
            'td-reg_res50_softwingloss_8xb64-210e_wflw-256x256',
            'td-reg_res50_wingloss_8xb64-210e_wflw-256x256',
        ],
        'rtmpose/coco_wholebody_face': [f'rtmpose-m_8xb32-60e_{_WHOLE}'],
        'rtmpose/wflw': ['rtmpose-m_8xb64-60e_wflw-256x256'],
        'rtmpose/lapa': ['rtmpose-m_8xb64-120e_lapa-256x256'],
        'rtmpose/face6': [f'rtmpose-{size}_8xb256-120e_face6-256x256' for size in 'mst'],
    }.items()
    for name in names
]
NAMES = sorted([FIRST, *OTHERS])
SETS = ('300vw', '300w', '300wlp', 'aflw', 'coco_wholebody_face', 'cofw', 'halpe', 'lapa', 'wflw')


def flatten(node: Any, path: str = '') -> dict[str, Any]:
    """A config's values by dotted path; tuples are lists, and lists of numbers alone are values."""
    if isinstance(node, dict | list | tuple) and not _is_numbers(node):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        flat = {}
        for key, value in items:
            flat |= flatten(value, f'{path}.{key}' if path else str(key))
        return flat
    return {path: _as_list(node)}


def _is_numbers(node: Any) -> bool:
    """Tell whether a value is empty, or numbers in lists of any depth."""
    if isinstance(node, list | tuple):
        return all(isinstance(each, int | float) or _is_numbers(each) for each in node)
    return isinstance(node, dict) and not node


def _as_list(node: Any) -> Any:
    return list(map(_as_list, node)) if isinstance(node, list | tuple) else node


def flat_config(path: Path) -> dict[str, Any]:
    """A config file's values by dotted path."""
    return flatten(Config.fromfile(path).to_dict())


def describe(path: Path) -> dict[str, Any]:
    """A point description as indices and numbers; what a key of a point says is its index."""
    info = Config.fromfile(path).dataset_info
    names = [info.keypoint_info[i]['name'] for i in range(len(info.keypoint_info))]
    swaps = [info.keypoint_info[i].get('swap') or name for i, name in enumerate(names)]
    return {
        'name': info.dataset_name,
        'mirror': [names.index(swap) for swap in swaps],
        'weights': list(info.joint_weights),
        'sigmas': list(info.sigmas),
        'links': len(info.skeleton_info),
    }


def read_configs() -> dict[str, dict[str, Any]]:
    """The recorded configs, each in full."""
    stored = json.loads(STORED.read_text(encoding='utf-8'))
    first = stored['first']
    full = {FIRST: first}
    for name, facts in stored['others'].items():
        before = full[facts['from']]
        kept = {path: value for path, value in before.items() if path not in facts['without']}
        full[name] = {**kept, **facts['with']}
    return full


def read_descriptions() -> dict[str, dict[str, Any]]:
    """The recorded point descriptions."""
    return json.loads(STORED.read_text(encoding='utf-8'))['points']


def read_registries() -> dict[str, list[str]]:
    """The names in each of MMPose's registries."""
    return json.loads(REGISTRIES.read_text(encoding='utf-8'))


def scan_registries(package: Path) -> dict[str, list[str]]:
    """Find what the decorators ``REGISTRY.register_module(name=...)`` below a package register."""
    found: dict[str, list[str]] = {}
    for path in package.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            for call in getattr(node, 'decorator_list', ()):
                function = getattr(call, 'func', None)
                if getattr(function, 'attr', None) == 'register_module':
                    named = [each.value.value for each in call.keywords if each.arg == 'name']
                    found.setdefault(function.value.id, []).extend(named or [node.name])
    return {registry: sorted(found[registry]) for registry in sorted(found)}


def _record(root: Path) -> None:
    names = scan_registries(root.parents[1])
    REGISTRIES.write_text(json.dumps(names, indent=1) + '\n', encoding='utf-8')
    first = flat_config(root / FIRST)
    full, others = {FIRST: first}, {}
    for name in OTHERS:
        flat = flat_config(root / name)
        # The one that it differs from least.
        others[name] = min(
            (_difference(flat, before, each) for before, each in full.items()),
            key=lambda facts: len(json.dumps(facts)),
        )
        full[name] = flat
    points = {name: describe(root / '_base_' / 'datasets' / f'{name}.py') for name in SETS}
    sections = [
        '"first": ' + _lines(first),
        '"others": {\n'
        + ',\n'.join(
            f' {json.dumps(name)}: {{\n"from": {json.dumps(facts["from"])},\n'
            f'"with": {_lines(facts["with"])},\n'
            f'"without": {json.dumps(facts["without"])}}}'
            for name, facts in others.items()
        )
        + '}',
        '"points": ' + _lines(points),
    ]
    STORED.write_text('{\n' + ',\n'.join(sections) + '\n}\n', encoding='utf-8')


def _difference(flat: dict[str, Any], before: str, base: dict[str, Any]) -> dict[str, Any]:
    return {
        'from': before,
        'with': {k: v for k, v in flat.items() if k not in base or base[k] != v},
        'without': [path for path in base if path not in flat],
    }


def _lines(values: dict[str, Any]) -> str:
    return (
        '{\n' + ',\n'.join(f'  {json.dumps(k)}: {json.dumps(v)}' for k, v in values.items()) + '}'
    )


if __name__ == '__main__':
    _record(Path(sys.argv[1]))
