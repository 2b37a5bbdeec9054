"""The body below the head: what the cuts of clothes leave bare, and what is under a jacket."""

from dataclasses import replace

import numpy as np
import pytest

from mmpose_lite.synthetic.body import build_body
from mmpose_lite.synthetic.fields import linear
from mmpose_lite.synthetic.identity import Clothes
from mmpose_lite.synthetic.people import draw_identity

SKIN, CLOTH, SHIRT, TIE = (np.eye(3)[k % 3] * 0.9 + 0.05 * (k == 3) for k in range(4))


def trunk_colours(cut, tie=None):
    """The trunk's colours (h, w), each of the name that it is next to."""
    identity = draw_identity(np.random.default_rng(0))
    clothes = Clothes(cut, CLOTH, 1.0, deep=9.0, wide=0.9, inner_rgb=SHIRT, tie_rgb=tie)
    skin = replace(identity.skin, rgb=SKIN)
    trunk, *arms = build_body(
        replace(identity, clothes=clothes, skin=skin), np.random.default_rng(0)
    )
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
    # Row 80 lies 11.4 cm below the upper end, and the opening ends 9 cm below it.
    assert (names[80:] == 'cloth').all()
    assert (names[20:, [0, -1]] == 'cloth').all()
    if cut != 'closed':
        assert names[15, middle] != 'cloth'
        row = names[15] != 'cloth'
        np.testing.assert_array_equal(row, row[::-1])


def test_a_tie_hangs_down_the_middle_of_the_shirt():
    names = trunk_colours('jacket', tie=np.array([0.9, 0.9, 0.0]))
    middle = names.shape[1] // 2
    assert names[30, middle] == 'tie'
    assert 'shirt' in set(names[30])
    assert 'tie' not in set(names[85])
