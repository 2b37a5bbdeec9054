"""Rounds of measurements, without the measurements."""

from dataclasses import replace

from benchmarks.comparison import compare
from benchmarks.jobs import Job, JobError, Measurement
from benchmarks.rows import GPU, IMAGES, Row
from benchmarks.sides import MMPOSE, OURS

JOB = Job(OURS, 'loader', 'faces')
THEIRS = replace(JOB, side=MMPOSE)
AMP = replace(JOB, arguments=('--amp',))
ROW = Row('plain', 'work', IMAGES, JOB, THEIRS, goal=2)
AMP_ROW = Row('amp', 'work', IMAGES, AMP, THEIRS, goal=3)


class FakeBench:
    """Notes the jobs that it is given; each is a little slower than the one before."""

    def __init__(self, failing=None):
        self.jobs = []
        self.failing = failing

    def run(self, job):
        if job == self.failing:
            raise JobError('it fell over')
        self.jobs.append(job)
        return Measurement('command', {'images_per_s': 100.0 - len(self.jobs)})


def test_sides_take_turns_and_shared_jobs_run_once_a_round():
    bench = FakeBench()
    rows, taken = compare(bench, [ROW, AMP_ROW], 2, {OURS, MMPOSE})
    assert bench.jobs == [JOB, THEIRS, AMP] * 2
    assert [each.round for each in taken] == [0, 0, 0, 1, 1, 1]
    assert [(row['ours'], row['theirs']) for row in rows] == [
        ([99, 96], [98, 95]),
        ([97, 94], [98, 95]),
    ]


def test_a_round_to_warm_up_is_not_counted():
    bench = FakeBench()
    rows, _ = compare(bench, [replace(ROW, discard=1)], 1, {OURS, MMPOSE})
    assert len(bench.jobs) == 4
    assert rows[0]['ours'] == [97]


def test_what_is_once_is_not_repeated():
    bench = FakeBench()
    compare(bench, [replace(ROW, once=True, theirs=None)], 5, {OURS, MMPOSE})
    assert bench.jobs == [JOB]


def test_a_row_that_lacks_something_is_left_out_with_the_reason():
    bench = FakeBench()
    needy = replace(AMP_ROW, needs=(GPU,))
    rows, _ = compare(bench, [ROW, needy], 1, {OURS, MMPOSE})
    assert bench.jobs == [JOB, THEIRS]
    assert rows[1]['problem'] == 'not measured: without an H200'
    assert rows[1]['theirs'] == []


def test_our_side_is_measured_without_the_other():
    bench = FakeBench()
    rows, _ = compare(bench, [ROW], 2, {OURS})
    assert bench.jobs == [JOB, JOB]
    assert (rows[0]['ours'], rows[0]['theirs']) == ([99, 98], [])


def test_a_job_that_fails_fails_its_group_and_nothing_else(capsys):
    rows, _ = compare(FakeBench(failing=THEIRS), [ROW], 2, {OURS, MMPOSE})
    assert rows[0]['problem'] == 'failed'
    assert rows[0]['ours'] == []
    assert 'it fell over' in capsys.readouterr().err
