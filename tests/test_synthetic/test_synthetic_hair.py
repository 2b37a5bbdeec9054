"""Hair, beards and skin: what is drawn where, and that people differ."""

from dataclasses import replace

import numpy as np
import pytest

from mmpose_lite.synthetic.beard import beard_mask, beard_thickness
from mmpose_lite.synthetic.expression import Expression, draw_expression
from mmpose_lite.synthetic.hair import hair_mask, hair_thickness, hairline, paint_hair
from mmpose_lite.synthetic.head import build_head, grid_axes, surface_point
from mmpose_lite.synthetic.identity import (
    BEARDS,
    CUTS,
    HAIR_STYLES,
    SHAPE_TRAITS,
    WHITE_HAIR,
)
from mmpose_lite.synthetic.layout import HEAD_RADIUS, lay_out, unroll
from mmpose_lite.synthetic.loose_hair import build_long_beard, build_loose_hair, build_wisps
from mmpose_lite.synthetic.mesh import grid_normals
from mmpose_lite.synthetic.people import draw_identity
from mmpose_lite.synthetic.person import build_ears
from mmpose_lite.synthetic.points import place_points
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


def head_mask(of, identity, v, u):
    return of(identity, lay_out(identity, Expression()), v, u)


def line_at(azimuth_deg, **hair):
    """The height above the eyes at which hair begins."""
    v = np.linspace(-12, 12, 481)
    mask = head_mask(hair_mask, person(hair), v, HEAD_RADIUS * np.radians([azimuth_deg]))[:, 0]
    assert mask.max() > 0.5
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
        sides, top = head_mask(of, person({'style': 'horseshoe'}), v, u)
        assert sides[1] > 0.2
        assert sides[0] == top[0] == top[1] == 0


def test_cropped_sides_show_the_skin_and_curls_make_hair_uneven():
    v, u = grid_axes()
    cropped, full = (head_mask(hair_mask, person({'sides': sides}), v, u) for sides in (0.2, 1.0))
    side = (np.abs(u) > 8) & (np.abs(u) < 12)
    assert cropped[np.ix_(v < 2, side)].max() < 0.3 < full[np.ix_(v < 2, side)].max()
    np.testing.assert_allclose(cropped[v > 8], full[v > 8])
    straight, curly = (
        head_mask(hair_thickness, person({'curl': curl}), v, u) for curl in (0.0, 1.0)
    )
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
    spread = [painted(contrast=contrast)[0].std() for contrast in (0.5, 1.5)]
    assert spread[1] == pytest.approx(3 * spread[0], rel=0.05)
    assert 0 <= painted(contrast=3.0, grey=0.8).min() <= painted(contrast=3.0, grey=0.8).max() <= 1


def test_no_hair_covers_a_brow_or_shows_the_skin_where_it_is_thick():
    rng = np.random.default_rng(0)
    v, u = grid_axes()
    for _ in range(150):
        identity = replace(draw_identity(rng), hat='none')
        layout = lay_out(identity, draw_expression(rng))
        for brow in layout.brows:
            points = brow.curve(7)
            mask = hair_mask(identity, layout, points[:, 1], unroll(points[:, 0]))
            assert np.diag(mask).max() < 0.3
        mask = hair_mask(identity, layout, v, u)
        thickness = hair_thickness(identity, layout, v, u)
        assert not ((mask < 0.15) & (thickness > 1.0)).any()


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


@pytest.mark.parametrize('nose_length', [-2.2, 0.0, 2.2])
def test_no_beard_grows_on_the_nose(nose_length):
    identity = person(beard={'style': 'full', 'moustache': 2.0, 'cheek_line': 3.0})
    identity = replace(identity, shape={**identity.shape, 'nose_length': nose_length})
    layout = lay_out(identity, Expression())
    nose = place_points(layout, '300w')[27:36]
    mask = beard_mask(identity, layout, nose[:, 1], unroll(nose[:, 0]))
    assert np.diag(mask).max() < 0.15


def test_all_beards_are_tried():
    assert [style for style, *_ in GROWN] == list(BEARDS)


def test_a_long_beard_hangs_down_below_the_chin():
    identity = person(beard={'style': 'full', 'hanging': 5.0})
    layout = lay_out(identity, Expression())
    skin = build_head(identity, layout, Expression())
    chin = surface_point(skin, layout.landmarks_xv[-1])
    (mesh,) = build_long_beard(identity, layout, skin)
    assert mesh.points[..., 1].min() == pytest.approx(chin[1] - 5, abs=0.8)
    assert mesh.points[..., 1].max() > chin[1]
    shaven = person(beard={'style': 'none', 'hanging': 5.0})
    assert not build_long_beard(shaven, layout, skin)


@pytest.mark.parametrize('curl', [0.0, 1.0])
def test_wisps_fall_from_the_hairline_in_front_of_the_skin(curl):
    identity = person({'wisps': 5, 'curl': curl, 'hairline': 1.3, 'temples': 1.5})
    layout = lay_out(identity, Expression())
    skin = build_head(identity, layout, Expression())
    wisps = build_wisps(identity, layout, skin)
    assert len(wisps) == 5
    for mesh in wisps:
        root = mesh.points[0, :-1].mean(0)
        v, u = grid_axes()
        nearest = np.linalg.norm(skin - root, axis=-1).argmin()
        row, col = np.unravel_index(nearest, skin.shape[:2])
        line = hairline(identity, layout, u[col : col + 1])
        assert v[row] == pytest.approx(float(line[0]) + 0.3, abs=0.8)
    normals = grid_normals(skin)
    for point in np.concatenate([mesh.points[:, :-1].mean(1) for mesh in wisps]):
        nearest = np.linalg.norm(skin - point, axis=-1).argmin()
        place = np.unravel_index(nearest, skin.shape[:2])
        assert 0.05 < (point - skin[place]) @ normals[place] < 0.4
    for bare in (replace(identity, hat='cap'), person({'wisps': 5, 'style': 'bald'})):
        assert not build_wisps(bare, layout, skin)


@pytest.mark.parametrize(
    ('hair', 'hat', 'meshes', 'ears'),
    [
        ({'style': 'long', 'length': 15.0}, 'none', 1, 0),
        ({'style': 'bald', 'length': 15.0}, 'none', 0, 2),
        ({'style': 'bun'}, 'none', 1, 2),
        ({'style': 'bun'}, 'cap', 0, 2),
        ({'style': 'short'}, 'scarf', 1, 0),
        ({'style': 'short'}, 'none', 0, 2),
    ],
)
def test_loose_hair_and_scarves_hide_the_ears(hair, hat, meshes, ears):
    identity = replace(person(hair), hat=hat)
    loose = build_loose_hair(identity)
    assert (len(loose), len(build_ears(identity))) == (meshes, ears)
    assert all(0 <= mesh.albedo.min() <= mesh.albedo.max() <= 1 for mesh in loose)
    if identity.hair.is_loose:
        assert loose[0].points[..., 1].min() == pytest.approx(-15, abs=1.5)
        x, _, z = loose[0].points[-1, [0, -1]].T
        azimuth = np.degrees(np.arctan2(np.abs(x), z + 1))
        np.testing.assert_allclose(sorted(azimuth), sorted(identity.hair.cheeks), atol=12)


@pytest.mark.parametrize('change', [
    {'moles': 8}, {'blemishes': 12}, {'wrinkles': 1.0}, {'eye_rings': 1.0}, {'flush': 1.0},
    {'freckles': 1.0}, {'unevenness': 1.0}, {'chin_shadow': 0.5},
])  # fmt: skip
def test_each_number_of_the_skin_is_seen(change):
    without = {'moles': 0, 'blemishes': 0, 'wrinkles': 0.0, 'eye_rings': 0.0, 'flush': 0.0}
    without |= {'freckles': 0.0, 'unevenness': 0.0, 'chin_shadow': 0.0}

    def painted(skin):
        identity = person({'style': 'bald'}, skin=skin)
        layout = lay_out(identity, Expression())
        return paint_head(identity, layout, Expression(), 6.0).rgb

    assert np.abs(painted(without | change) - painted(without)).max() > 0.03


def test_a_part_does_not_depend_on_what_others_draw():
    layout = lay_out(person(), Expression())
    plain = paint_head(person(), layout, Expression(), 6.0)
    spotted = paint_head(
        person(skin={'moles': 9, 'freckles': 1.0, 'wrinkles': 1.0}), layout, Expression(), 6.0
    )
    rows, cols = plain.window(np.array([2.5, 1.9]), np.array([4.5, 2.1]))
    inside = spotted.rgb[:, rows, cols] - plain.rgb[:, rows, cols]
    # Only moles may lie there; the grain of the brow is the same.
    assert np.median(np.abs(inside)) < 1e-6


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
    assert {each.clothes.cut for each in people} == set(CUTS)
    # White hair and a black beard do not go together.
    old = [each for each in people if each.hair.grey > 0.7 and each.beard.style != 'none']
    assert len(old) > 5
    assert min(each.beard.grey for each in old) > 0.4
