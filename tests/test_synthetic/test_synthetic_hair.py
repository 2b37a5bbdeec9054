"""Hair, beards and skin: what is drawn where, and that people differ."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mmpose_lite.synthetic.beard import beard_mask, beard_thickness
from mmpose_lite.synthetic.expression import Expression
from mmpose_lite.synthetic.hair import hair_colours, hair_mask, hair_thickness, strands
from mmpose_lite.synthetic.head import build_head, grid_axes, surface_point
from mmpose_lite.synthetic.identity import (
    BEARDS,
    HAIR_STYLES,
    SHAPE_TRAITS,
    WHITE_HAIR,
    draw_identity,
)
from mmpose_lite.synthetic.layout import HEAD_RADIUS, lay_out
from mmpose_lite.synthetic.person import build_long_beard, build_wisps
from mmpose_lite.synthetic.skin import paint_head

PLAIN = {
    'hairline': 0.0,
    'temples': 0.0,
    'peak': 0.0,
    'sweep': 0.0,
    'sideburns': 0.0,
    'ragged': 0.0,
    'density': 1.0,
    'sides': 1.0,
    'curl': 0.0,
    'part': 1,
}


def person(hair=None, beard=None, skin=None):
    """Someone of mean shape without a hat, whose hair is plain but for what is said."""
    drawn = draw_identity(np.random.default_rng(4))
    return replace(
        drawn,
        shape=dict.fromkeys(SHAPE_TRAITS, 0.0),
        hat='none',
        hair=replace(drawn.hair, **{'style': 'short', **PLAIN, **(hair or {})}),
        beard=replace(drawn.beard, **{'style': 'none', 'hanging': 0.0, **(beard or {})}),
        skin=replace(drawn.skin, **(skin or {})),
    )


def line_at(azimuth_deg, **hair):
    """The height above the eyes at which hair begins."""
    v = np.linspace(-12, 12, 481)
    mask = hair_mask(person(hair), v, HEAD_RADIUS * np.radians([azimuth_deg]))[:, 0]
    return v[np.argmax(mask > 0.5)]


@pytest.mark.parametrize(
    ('change', 'moved', 'still', 'by'),
    [
        ({'hairline': 1.0}, 0, 70, 1.0),
        ({'temples': 1.5}, 36, 0, 1.5),
        ({'temples': 1.5}, -36, 0, 1.5),
        ({'peak': 0.8}, 0, 40, -0.8),
        ({'sideburns': 2.0}, 77, 40, -2.0),
        ({'sideburns': 2.0}, -77, 40, -2.0),
        ({'sweep': 1.0, 'part': 1}, 46, 0, -0.7),
        ({'sweep': 1.0, 'part': -1}, -46, 0, -0.7),
    ],
)
def test_each_number_moves_its_part_of_the_hairline(change, moved, still, by):
    assert line_at(moved, **change) - line_at(moved) == pytest.approx(by, abs=0.25)
    assert line_at(still, **change) == pytest.approx(line_at(still), abs=0.1)


def test_a_horseshoe_of_hair_leaves_the_top_bare():
    v, u = np.array([0.0, 11.0]), HEAD_RADIUS * np.radians([0.0, 100.0])
    for of in (hair_mask, hair_thickness):
        sides, top = of(person({'style': 'horseshoe'}), v, u)
        assert sides[1] > 0.2
        assert sides[0] == top[0] == top[1] == 0


def test_cropped_sides_show_the_skin_and_curls_make_hair_uneven():
    v, u = grid_axes()
    cropped, full = (hair_mask(person({'sides': sides}), v, u) for sides in (0.2, 1.0))
    side = (np.abs(u) > 8) & (np.abs(u) < 12)
    assert cropped[np.ix_(v < 2, side)].max() < 0.3 < full[np.ix_(v < 2, side)].max()
    np.testing.assert_allclose(cropped[v > 8], full[v > 8])
    straight, curly = (hair_thickness(person({'curl': curl}), v, u) for curl in (0.0, 1.0))
    assert curly[v > 9].std() > 1.5 * straight[v > 9].std()


def test_white_strands_are_the_share_that_was_asked_for():
    pattern = strands(np.random.default_rng(0), (200, 300), 10.0)
    assert np.abs(pattern).max() < 1.6
    rgb = np.array([0.1, 0.08, 0.06])
    for grey in (0.0, 0.3, 1.0):
        mean = np.mean(hair_colours(rgb, grey, 0.0, pattern), axis=(1, 2))
        np.testing.assert_allclose(mean, rgb + grey * (WHITE_HAIR - rgb), atol=0.1)
    spread = [hair_colours(rgb, 0.0, contrast, pattern)[0].std() for contrast in (0.3, 1.5)]
    assert spread[1] > 4 * spread[0]


# Rows: style, and whether hair grows on the upper lip, the chin and the jaw below the ears.
GROWN = [
    ('none', False, False, False),
    ('moustache', True, False, False),
    ('chin', False, True, False),
    ('goatee', True, True, False),
    ('strap', False, True, True),
    ('whiskers', True, False, True),
    ('full', True, True, True),
]


@pytest.mark.parametrize(('style', 'lip', 'chin', 'jaw'), GROWN)
def test_a_beard_grows_where_its_name_says(style, lip, chin, jaw):
    identity = person(beard={'style': style, 'cheek_line': 0.0, 'moustache': 1.0, 'length': 0.5})
    layout = lay_out(identity, Expression())
    v = np.array([layout.mouth_v + 0.9, layout.chin_v, layout.mouth_v - 2.5])
    u = HEAD_RADIUS * np.radians([8.0, 0.0, 60.0])
    mask = beard_mask(identity, layout, v, u)
    assert [bool(value > 0.5) for value in (mask[0, 0], mask[1, 1], mask[2, 2])] == [lip, chin, jaw]
    thickness = beard_thickness(identity, layout, v, u)
    assert thickness[1, 1] == pytest.approx(0.5 * chin, abs=0.05)
    lips = beard_thickness(identity, layout, np.array([layout.mouth_v]), np.array([0.0]))
    assert lips.max() == 0


def test_all_beards_are_tried():
    assert [style for style, *_ in GROWN] == list(BEARDS)


def test_a_long_beard_hangs_down_below_the_chin():
    identity = person(beard={'style': 'full', 'hanging': 5.0})
    layout = lay_out(identity, Expression())
    chin = surface_point(build_head(identity, layout, Expression()), layout.landmarks_xv[-1])
    (mesh,) = build_long_beard(identity, chin, np.random.default_rng(0))
    assert mesh.points[..., 1].min() == pytest.approx(chin[1] - 5, abs=0.8)
    assert mesh.points[..., 1].max() > chin[1]
    assert not build_long_beard(person(), chin, np.random.default_rng(0))


def test_wisps_fall_in_front_of_the_skin():
    identity = person({'wisps': 5})
    skin = build_head(identity, lay_out(identity, Expression()), Expression())
    wisps = build_wisps(identity, skin, np.random.default_rng(0))
    assert len(wisps) == 5
    front = skin[skin[..., 2] > 0]
    for x, y, z in np.concatenate([mesh.points.mean(1)[:-2] for mesh in wisps]):
        nearest = np.hypot(front[:, 0] - x, front[:, 1] - y).argmin()
        assert z > front[nearest, 2] - 0.3
    assert not build_wisps(replace(identity, hat='cap'), skin, np.random.default_rng(0))


@pytest.mark.parametrize('change', [
    {'moles': 8}, {'blemishes': 12}, {'wrinkles': 1.0}, {'eye_rings': 1.0}, {'flush': 1.0},
    {'freckles': 1.0}, {'unevenness': 1.0},
])  # fmt: skip
def test_each_number_of_the_skin_is_seen(change):
    without = {'moles': 0, 'blemishes': 0, 'wrinkles': 0.0, 'eye_rings': 0.0, 'flush': 0.0}
    without |= {'freckles': 0.0, 'unevenness': 0.0}

    def painted(skin):
        identity = person({'style': 'bald'}, skin=skin)
        layout = lay_out(identity, Expression())
        return paint_head(identity, layout, Expression(), 6.0).rgb

    assert np.abs(painted(without | change) - painted(without)).max() > 0.03


def test_people_differ():
    rng = np.random.default_rng(0)
    people = [draw_identity(rng) for _ in range(600)]
    assert set(Counter(each.hair.style for each in people)) == set(HAIR_STYLES)
    assert set(Counter(each.beard.style for each in people)) == set(BEARDS)
    bearded = np.mean([each.beard.style != 'none' and each.beard.density > 0.5 for each in people])
    assert 0.2 < bearded < 0.35
    brightness = np.array([each.hair.rgb.mean() for each in people])
    assert np.mean(brightness < 0.15) > 0.2
    assert np.mean(brightness > 0.35) > 0.04
    assert 0.1 < np.mean([each.hair.grey > 0.1 for each in people]) < 0.3
