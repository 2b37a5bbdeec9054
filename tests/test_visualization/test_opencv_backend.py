"""Drawing on a picture by OpenCV, item by item."""

import numpy as np
import pytest
import torch

from mmpose_lite.visualization import OpencvBackendVisualizer

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def image():
    return np.full((60, 80, 3), 50, np.uint8)


def color_at(picture, x, y):
    return tuple(int(part) for part in picture[y, x])


class TestOpencvBackend:
    @pytest.fixture
    def canvas(self, image):
        return OpencvBackendVisualizer('canvas', 'opencv', image=image)

    def test_several_items_with_a_value_each(self, canvas):
        points = torch.tensor([[10, 10], [30, 10]])
        canvas.draw_circles(points, np.array([5]), ['red', 'none'], edge_colors='blue')
        canvas.draw_bboxes(np.array([[5, 20, 15, 30], [25, 20, 35, 30]]), ['red', 'blue'], 1)
        canvas.draw_lines(np.array([[5, 15], [25, 35]]), np.array([[40, 40]] * 2), ['red', 'blue'])
        square = np.array([[50, 10], [60, 10], [60, 20], [50, 20]])
        canvas.draw_polygons([square, np.add(square, (0, 20))], ['red', 'blue'])
        drawn = canvas.get_image()
        assert color_at(drawn, 10, 10) == color_at(drawn, 5, 25) == color_at(drawn, 10, 40) == RED
        assert color_at(drawn, 30, 10) == (50, 50, 50)
        assert drawn[10, 35, 2] > 150
        assert color_at(drawn, 35, 25) == color_at(drawn, 30, 40) == BLUE
        assert color_at(drawn, 55, 15) == RED
        assert color_at(drawn, 55, 35) == BLUE

    def test_texts(self, canvas):
        canvas.draw_texts(
            ['a', 'b'],
            np.array([[10, 10], [50, 40]]),
            14,
            ['red', 'blue'],
            bboxes={'facecolor': 'white'},
        )
        assert (canvas.get_image()[5:30, 5:30] == 255).all(axis=2).any()
        assert (canvas.get_image()[40:55, 50:60, 2] > 200).any()

    def test_calls_can_be_chained(self, canvas):
        assert canvas.draw_lines(np.array([1, 5]), np.array([1, 5])) is canvas

    def test_a_value_too_few(self, canvas):
        with pytest.raises(ValueError, match='1 values for 2 items'):
            canvas.draw_texts(['a', 'b'], np.zeros((2, 2)), [10])

    def test_mistakes_are_named(self, canvas):
        with pytest.raises(TypeError, match='colour'):
            canvas.draw_lines(np.zeros(2), np.zeros(2), colour='red')
        with pytest.raises(ValueError, match=r'\(4, 4\)'):
            canvas.set_image(np.zeros((4, 4)))
        with pytest.raises(ValueError, match='pillow'):
            OpencvBackendVisualizer(backend='pillow')
        with pytest.raises(RuntimeError, match='set_image'):
            OpencvBackendVisualizer(backend='opencv').get_image()
        with pytest.raises(AttributeError, match="backend='matplotlib'"):
            canvas.draw_points(np.array([[1, 1]]))

    def test_the_image_is_copied(self, canvas, image):
        canvas.draw_circles(np.array([10, 10]), 3, 'red')
        assert (image == 50).all()
