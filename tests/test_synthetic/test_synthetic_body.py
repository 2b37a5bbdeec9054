"""The body below the head: what the cuts of clothes leave bare, and what is under a jacket."""

from dataclasses import replace

import numpy as np
import pytest

from mmpose_lite.synthetic.body import build_body
from mmpose_lite.synthetic.fields import linear
from mmpose_lite.synthetic.identity import Clothes
from mmpose_lite.synthetic.people import draw_identity

SKIN, CLOTH, SHIRT = np.eye(3) * 0.9
TIE = np.array([0.9, 0.9, 0.0])


def trunk_colours(cut, tie=None):
    """The trunk's colours (h, w), as names of the nearest known one."""
    identity = draw_identity(np.random.default_rng(0))
    clothes = Clothes(cut, CLOTH, 0.0, 1.0, depth=9.0, half_width=0.9, shirt_rgb=SHIRT, tie_rgb=tie)
    skin = replace(identity.skin, rgb=SKIN)
    trunk, *arms = build_body(replace(identity, clothes=clothes, skin=skin))
    for arm in arms:
        np.testing.assert_allclose(arm.albedo[:, 0, 0], linear(CLOTH), atol=1e-6)
    assert trunk.uv.shape[:2] == trunk.points.shape[:2]
    assert trunk.uv.max((0, 1)).tolist() == [n - 1 for n in trunk.albedo.shape[:0:-1]]
    known = {'skin': SKIN, 'cloth': CLOTH, 'shirt': SHIRT}
    known |= {} if tie is None else {'tie': tie}
    distance = [np.abs(trunk.albedo - linear(rgb)[:, None, None]).sum(0) for rgb in known.values()]
    return np.array(list(known))[np.argmin(distance, 0)]


@pytest.mark.parametrize(
    ('cut', 'seen'),
    [
        ('closed', {'cloth'}),
        ('crew', {'cloth', 'skin'}),
        ('open', {'cloth', 'skin'}),
        ('jacket', {'cloth', 'shirt'}),
    ],
)
def test_cuts_show_what_they_leave_open_in_front_alone(cut, seen):
    names = trunk_colours(cut)
    assert set(names.ravel()) == seen
    middle = names.shape[1] // 2
    # Row 48 lies 11.4 cm below the upper end, and the opening ends 9 cm below it.
    assert (names[48:] == 'cloth').all()
    assert (names[12:, [0, -1]] == 'cloth').all()
    if cut != 'closed':
        assert names[9, middle] != 'cloth'
        row = names[9] != 'cloth'
        np.testing.assert_array_equal(row, row[::-1])


def test_a_tie_hangs_down_the_middle_of_the_shirt():
    names = trunk_colours('jacket', tie=TIE)
    middle = names.shape[1] // 2
    assert names[18, middle] == 'tie'
    assert 'shirt' in set(names[18])
    assert 'tie' not in set(names[51])


def test_a_collar_is_darker_or_brighter_than_the_rest():
    identity = draw_identity(np.random.default_rng(0))
    clothes = replace(identity.clothes, cut='closed', rgb=np.full(3, 0.6), collar=0.5)
    albedo = build_body(replace(identity, clothes=clothes))[0].albedo
    np.testing.assert_allclose(albedo[:, 0], linear(0.3), atol=1e-6)
    np.testing.assert_allclose(albedo[:, 20], linear(0.6), atol=1e-6)
