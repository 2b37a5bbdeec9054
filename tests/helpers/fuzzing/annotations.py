"""Mutations of an annotation file, each a function of its number."""

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# JSON that Python's writer does not make: put in for strings that stand for them.
RAW = {
    '@deep@': '[' * 900 + ']' * 900,
    '@abyss@': '[' * 100_000 + ']' * 100_000,
    '@deep record@': '{"a":' * 400 + '1' + '}' * 400,
    '@digits@': '9' * 4000,
    '@more digits@': '9' * 6000,
    '@exponent@': '1e999',
    '@minus exponent@': '-1e999',
    '@tiny@': '1e-400',
}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 0.5, -0.0, 7, 57, 1e-320, 1e-30, 1e-6, 1e7, 1e38, 1e39, 1e300,
    -1e308, float('nan'), float('inf'), float('-inf'), 2**31, 2**53 + 1, 2**64, -(2**63), 10**30,
    10**400, '', 'a', '7', 'NaN', '\0', '\ud800', '../..', '/dev/zero', 'pipe.png', 'loop.png',
    'x' * 5000, 'a\nb', [], {}, [[]], [None], [0] * 4, [1.0] * 57, [float('nan')] * 57, [0.0] * 57,
    [1e300] * 57, [[1, 2, 1]] * 19, [1] * 2000, {'id': 1}, [{}], *RAW,
)  # fmt: skip
FIELDS = {
    'images': ('id', 'file_name', 'width', 'height'),
    'annotations': (
        'id', 'image_id', 'keypoints', 'num_keypoints', 'bbox', 'area', 'iscrowd', 'category_id',
        'center', 'scale', 'box_size',
    ),
}  # fmt: skip


@dataclass
class Mutant:
    """A changed file.

    Attributes:
        name: What was changed.
        content: Its bytes.
        field: The field that was changed, where it is one field of one record.
        record: The index of that record.
    """

    name: str
    content: bytes
    field: str | None = None
    record: int | None = None


def mutate(original: dict, number: int, seed: int = 0) -> Mutant:
    """Make mutant ``number`` of an annotation file."""
    draw = random.Random(f'{seed} {number}')
    content = copy.deepcopy(original)
    change = draw.choices(*zip(*_CHANGES, strict=True))[0]
    return change(content, draw)


def mutate_detections(original: list, number: int, seed: int = 0) -> bytes:
    """Make mutant ``number`` of a file of detected boxes."""
    draw = random.Random(f'{seed} {number}')
    content = copy.deepcopy(original)
    index, value = draw.randrange(len(content)), draw.choice(VALUES)
    field = draw.choice(['image_id', 'bbox', 'score'])
    change = draw.randrange(5)
    if change == 0:
        content[index][field] = value
    elif change == 1:
        content[index]['bbox'][draw.randrange(4)] = value
    elif change == 2:
        del content[index][field]
    elif change == 3:
        content[index] = value
    data = _write(content)
    return data[: draw.randrange(len(data))] if change == 4 else data


def mutate_ids(original: list[int], number: int, seed: int = 0) -> bytes:
    """Make mutant ``number`` of a file with one id a line."""
    draw = random.Random(f'{seed} {number}')
    lines = [str(i).encode() for i in original]
    at = draw.randrange(len(lines))
    lines[at] = draw.choice(
        [
            b'',
            b'x',
            b'-1',
            b'1e5',
            b'9' * 5000,
            b'\xff\xfe',
            b'1 2',
            b'2\0',
            str(VALUES[4]).encode(),
        ]
    )
    return b'\n'.join(lines) if draw.random() < 0.9 else b''


def _write(content: Any) -> bytes:
    text = json.dumps(content)
    for name, raw in RAW.items():
        text = text.replace(json.dumps(name), raw)
    return text.encode()


def _field(content: dict, draw: random.Random) -> Mutant:
    """Another value for a field, or for a number in it."""
    key = draw.choice(['images', 'annotations', 'annotations'])
    index = draw.randrange(len(content[key]))
    record, field = content[key][index], draw.choice(FIELDS[key])
    value = draw.choice(VALUES)
    if isinstance(record[field], list) and record[field] and draw.random() < 0.5:
        record[field][draw.randrange(len(record[field]))] = value
    else:
        record[field] = value
    return Mutant(f'{key}[{index}].{field} = {value!r:.40}', _write(content), field, index)


def _missing(content: dict, draw: random.Random) -> Mutant:
    key = draw.choice(['images', 'annotations'])
    index = draw.randrange(len(content[key]))
    field = draw.choice(FIELDS[key])
    del content[key][index][field]
    return Mutant(f'{key}[{index}] without {field}', _write(content), field, index)


def _length(content: dict, draw: random.Random) -> Mutant:
    index = draw.randrange(len(content['annotations']))
    field = draw.choice(['keypoints', 'keypoints', 'center', 'bbox'])
    values = content['annotations'][index][field]
    if draw.random() < 0.5:
        del values[draw.randrange(len(values)) :]
    else:
        values += values[: draw.randrange(1, len(values) + 1)]
    name = f'annotations[{index}].{field} of {len(values)}'
    return Mutant(name, _write(content), field, index)


def _twice(content: dict, draw: random.Random) -> Mutant:
    key = draw.choice(['images', 'annotations'])
    one, other = draw.sample(content[key], 2)
    field = draw.choice(FIELDS[key])
    other[field] = one[field]
    return Mutant(f'{key}: {field} twice', _write(content))


def _structure(content: dict, draw: random.Random) -> Mutant:
    key, value = draw.choice(['images', 'annotations', 'categories']), draw.choice(VALUES)
    change = draw.randrange(5)
    if change == 0:
        content[key] = value
    elif change == 1:
        del content[key]
    elif change == 2:
        content[key].insert(draw.randrange(len(content[key]) + 1), value)
    elif change == 3:
        content[key] = content[key][: draw.randrange(len(content[key]))]
    else:
        content = value
    return Mutant(f'{key}: structure {change} {value!r:.40}', _write(content))


def _several(content: dict, draw: random.Random) -> Mutant:
    names = []
    for _ in range(draw.randrange(2, 6)):
        mutant = _field(content, draw)
        names.append(mutant.name)
    return Mutant('; '.join(names), mutant.content)


def _shift(content: dict, draw: random.Random) -> Mutant:
    """Numbers that are of the right kind and implausible."""
    factor = draw.choice([-1, 0, 1e-9, 1e-3, 1e2, 1e4, 3e5, 1e9, 1e20, 1e37, 1e300])
    index = draw.randrange(len(content['annotations']))
    record = content['annotations'][index]
    fields = draw.sample(['keypoints', 'center', 'scale', 'box_size', 'bbox'], draw.randrange(1, 6))
    for field in fields:
        value = record[field]
        record[field] = [x * factor for x in value] if isinstance(value, list) else value * factor
    return Mutant(f'annotations[{index}]: {fields} times {factor}', _write(content))


def _encoding(content: dict, draw: random.Random) -> Mutant:
    encoding = draw.choice(['utf-16', 'utf-32', 'utf-8-sig', 'utf-16-le', 'latin-1', 'cp500'])
    content['images'][0]['file_name'] = 'Zoë.png' if encoding == 'latin-1' else 'face0.png'
    text = json.dumps(content, ensure_ascii=False)
    return Mutant(encoding, text.encode(encoding))


def _bytes(content: dict, draw: random.Random) -> Mutant:
    data = bytearray(_write(content))
    change = draw.randrange(5)
    at = draw.randrange(len(data))
    if change == 0:
        del data[at:]
    elif change == 1:
        for _ in range(draw.randrange(1, 8)):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif change == 2:
        data[at:at] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 9)))
    elif change == 3:
        del data[at : at + draw.randrange(1, 60)]
    else:
        end = at + draw.randrange(1, 200)
        data[at:at] = data[at:end]
    return Mutant(f'bytes {change} at {at}', bytes(data))


_CHANGES: tuple[tuple[Callable[[dict, random.Random], Mutant], int], ...] = (
    (_field, 10),
    (_missing, 3),
    (_length, 3),
    (_twice, 2),
    (_structure, 3),
    (_several, 2),
    (_shift, 4),
    (_encoding, 1),
    (_bytes, 5),
)
