"""The rasteriser: which samples a triangle covers, what wins, and what is interpolated."""

import numpy as np
import pytest

from mmpose_lite.synthetic.lighting import draw_lighting
from mmpose_lite.synthetic.mesh import grid_normals, plain_mesh, sample_grid, tube_mesh
from mmpose_lite.synthetic.render import (
    EMPTY_DEPTH,
    bake,
    gather_triangles,
    look_up,
    pack,
    rasterize,
)


def square(left, top, right, bottom, depth):
    """Return a 2 x 2 grid of screen points, (2, 2, 3)."""
    points = [[(left, top), (right, top)], [(left, bottom), (right, bottom)]]
    return np.dstack([np.array(points, np.float32), np.full((2, 2), depth, np.float32)])


def draw(screens, shape_hw, two_sided=False):
    meshes = [plain_mesh(screen, np.ones(3), two_sided=two_sided) for screen in screens]
    offsets = [10 * k for k in range(len(meshes))]
    return rasterize(gather_triangles(meshes, offsets, screens), shape_hw)


def covered(samples):
    return samples.depth_hw > EMPTY_DEPTH


def test_square_covers_each_sample_inside_and_no_other():
    samples = draw([square(1.5, 2.5, 6.5, 4.5, 0.0)], (8, 9))
    expected = np.zeros((8, 9), bool)
    expected[3:5, 2:7] = True
    np.testing.assert_array_equal(covered(samples), expected)


def test_parts_outside_the_picture_are_cut_off():
    samples = draw([square(-50, -50, 50, 50, 0.0)], (4, 5))
    assert covered(samples).all()


@pytest.mark.parametrize('order', [(1.0, 2.0), (2.0, 1.0)])
def test_nearest_surface_wins_in_either_order(order):
    screens = [square(-1, -1, 9, 9, order[0]), square(2, 2, 6, 6, order[1])]
    depth = draw(screens, (8, 8)).depth_hw
    assert depth[0, 0] == order[0]
    assert depth[4, 4] == 2.0


def test_depth_and_texture_position_are_linear_on_the_screen():
    screen = square(0, 0, 8, 4, 0.0)
    screen[..., 2] = [[0.0, 8.0], [4.0, 12.0]]
    samples = draw([screen], (5, 9))
    rows, cols = np.mgrid[:5, :9]
    np.testing.assert_allclose(samples.depth_hw, cols + rows, atol=1e-4)
    uv = np.empty(45, np.complex64)
    uv[samples.index] = samples.uv
    np.testing.assert_allclose(uv.reshape(5, 9), cols / 8 + 1j * rows / 4, atol=1e-5)


def test_back_of_a_surface_is_drawn_only_if_two_sided():
    mirrored = square(6, 0, 0, 6, 0.0)
    assert not covered(draw([mirrored], (7, 7))).any()
    assert covered(draw([mirrored], (7, 7), two_sided=True)).sum() == 49


def test_sampling_a_grid_follows_its_triangles():
    values = np.array([[[0.0], [1.0]], [[2.0], [9.0]]])
    # Beyond the diagonal it is the other triangle, which ends at 9.
    places = np.array([0.25, 0.75])
    sampled = sample_grid(values, places, places)
    assert sampled.ravel() == pytest.approx([0.75, 9 - 0.25 * 7 - 0.25 * 8])


def test_normals_point_out_of_the_side_whose_rows_run_down():
    x, y = np.meshgrid(np.arange(4.0), -np.arange(3.0))
    normals = grid_normals(np.dstack([x, y, np.zeros_like(x)]))
    np.testing.assert_allclose(normals, np.broadcast_to([0, 0, 1], normals.shape), atol=1e-6)


def test_normals_of_a_tube_point_away_from_its_line():
    line = np.stack([np.linspace(0, 9, 10), np.sin(np.linspace(0, 3, 10)), np.zeros(10)], 1)
    tube = tube_mesh(line, 0.5, np.ones(3), sides=8)
    outward = (tube.points - line[:, None]) / 0.5
    assert (tube.normals * outward).sum(-1)[1:-1].min() > 0.8


def test_a_sheet_is_lit_on_the_side_that_is_seen():
    x, y = np.meshgrid(np.linspace(-5, 5, 9), np.linspace(5, -5, 7))
    front = np.dstack([x, y, np.zeros_like(x)]).astype(np.float32)
    sheets = [plain_mesh(points, np.ones(3), two_sided=True) for points in (front, front[:, ::-1])]
    lighting = draw_lighting(np.random.default_rng(3))
    seen, turned = (bake([sheet], lighting)[0][..., :3] for sheet in sheets)
    np.testing.assert_allclose(turned[:, ::-1], seen, atol=1e-5)


def test_no_colour_is_where_nothing_is_drawn():
    atlas, _ = pack([np.ones((2, 2, 4), np.float32) * [1, 1, 1, 0]])
    samples = draw([square(2, 2, 6, 6, 0.0)], (9, 9))
    drawn = look_up(samples, atlas)
    np.testing.assert_array_equal(drawn[..., 3], covered(samples))
    np.testing.assert_allclose(drawn[..., :3], np.dstack([covered(samples)] * 3), atol=1e-6)
