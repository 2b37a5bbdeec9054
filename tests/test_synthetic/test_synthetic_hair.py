"""Hair, beards and skin: what is drawn where, and that people differ."""

from dataclasses import replace

import numpy as np
import pytest

from mmpose_lite.synthetic.beard import beard_mask, beard_thickness
from mmpose_lite.synthetic.expression import Expression
from mmpose_lite.synthetic.hair import hair_mask, hair_thickness, paint_hair
from mmpose_lite.synthetic.head import build_head, grid_axes, surface_point
from mmpose_lite.synthetic.identity import (
    BEARDS,
    HAIR_STYLES,
    SHAPE_TRAITS,
    WHITE_HAIR,
)
from mmpose_lite.synthetic.layout import HEAD_RADIUS, lay_out, unroll
from mmpose_lite.synthetic.people import draw_identity
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
    'side': 1,
    'volume': 1.0,
    'contrast': 1.0,
    'grey': 0.0,
    'wisps': 0,
    'length': 0.0,
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
        ({'sweep': 1.0, 'side': 1}, 46, 0, -0.7),
        ({'sweep': 1.0, 'side': -1}, -46, 0, -0.7),
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


def test_hair_is_as_white_as_asked_and_its_strands_differ_by_the_contrast():
    def painted(**hair):
        rng = np.random.default_rng(0)
        hair = person({'rgb': np.array([0.1, 0.08, 0.06]), **hair}).hair
        return np.array(paint_hair(rng, (200, 300), 10.0, hair))

    dark, white = np.array([0.1, 0.08, 0.06]), WHITE_HAIR
    for grey in (0.0, 0.3, 0.7, 1.0):
        share = (painted(grey=grey, contrast=0.0).mean((1, 2)) - dark) / (white - dark)
        np.testing.assert_allclose(share, grey, atol=0.05)
    # Neither all of it grey nor all of it dark.
    half = (painted(grey=0.5, contrast=0.0)[0] - dark[0]) / (white - dark)[0]
    assert np.quantile(half, 0.1) < 0.2 < 0.8 < np.quantile(half, 0.9)
    assert painted(contrast=1.5).std() > 2 * painted(contrast=0.5)[0].std()
    assert 0 <= painted(contrast=3.0, grey=0.8).min() <= painted(contrast=3.0, grey=0.8).max() <= 1


def test_a_fringe_ends_above_the_brows():
    assert line_at(0, style='fringe', hairline=-1.1, peak=2.0) > 2.5
    assert line_at(30, style='fringe', sweep=4.0) > 2.5


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
    across = np.linspace(-0.9, 0.9, 7) * layout.mouth_half_width
    assert beard_thickness(identity, layout, np.array([layout.mouth_v]), across).max() < 0.01


def test_no_beard_grows_on_the_nose():
    for nose_length in (-2.2, 0.0, 2.2):
        identity = person(beard={'style': 'full', 'moustache': 2.0, 'cheek_line': 3.0})
        identity.shape['nose_length'] = nose_length
        layout = lay_out(identity, Expression())
        for x, v in layout.landmarks_xv[12:15]:
            assert beard_mask(identity, layout, np.array([v]), unroll(np.array([x])))[0, 0] < 0.1


def test_all_beards_are_tried():
    assert [style for style, *_ in GROWN] == list(BEARDS)


def test_a_long_beard_hangs_down_below_the_chin():
    identity = person(beard={'style': 'full', 'hanging': 5.0})
    layout = lay_out(identity, Expression())
    skin = build_head(identity, layout, Expression())
    chin = surface_point(skin, layout.landmarks_xv[-1])
    (mesh,) = build_long_beard(identity, layout, skin, np.random.default_rng(0))
    assert mesh.points[..., 1].min() == pytest.approx(chin[1] - 5, abs=0.8)
    assert mesh.points[..., 1].max() > chin[1]
    shaven = person(beard={'style': 'none', 'hanging': 5.0})
    assert not build_long_beard(shaven, layout, skin, np.random.default_rng(0))


def test_wisps_fall_in_front_of_the_skin():
    identity = person({'wisps': 5})
    skin = build_head(identity, lay_out(identity, Expression()), Expression())
    wisps = build_wisps(identity, skin, np.random.default_rng(0))
    assert len(wisps) == 5
    # Each lies a quarter of a centimetre in front of the skin, at its own face-plane position.
    for mesh in wisps:
        middle = mesh.points.mean(1)
        grid = skin[skin[..., 2] > 0]
        flat = np.abs(middle[:, 0]) < 4.5
        for x, y, z in middle[flat]:
            near = grid[np.argsort(np.hypot(grid[:, 0] - x, grid[:, 1] - y))[:4]]
            assert 0 < z - near[:, 2].mean() < 0.6
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
    assert {each.hair.style for each in people} == set(HAIR_STYLES)
    assert {each.beard.style for each in people} == set(BEARDS)
    bearded = np.mean([each.beard.style != 'none' and each.beard.density > 0.5 for each in people])
    assert 0.2 < bearded < 0.35
    brightness = np.array([each.hair.rgb.mean() for each in people])
    assert np.mean(brightness < 0.15) > 0.2
    assert np.mean(brightness > 0.35) > 0.1
    assert 0.1 < np.mean([each.hair.grey > 0.1 for each in people]) < 0.3
