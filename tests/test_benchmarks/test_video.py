"""The frames and the stopwatch of the video benchmark."""

import time

import numpy as np

from benchmarks.video import Stopwatch, make_frames


def test_heads_move_over_the_frames_and_stay_whole():
    heads = [np.full((220, 220, 3), level, np.uint8) for level in (10, 20, 30)]
    frames = list(make_frames(heads, 5))
    assert [each.frame for each in frames] == [0, 1, 2, 3, 4]
    for level in (10, 20, 30):
        places = [np.argwhere(each.image[..., 0] == level) for each in frames]
        assert {len(place) for place in places} == {220 * 220}
        assert len({tuple(place[0]) for place in places}) > 1


def test_a_stopwatch_counts_the_time_inside_and_returns_what_the_function_does():
    def work(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return seconds

    watch = Stopwatch(work)
    assert watch(0.02) == 0.02
    inside = watch.seconds
    assert inside >= 0.02
    work(0.02)
    assert watch.seconds == inside
