// Smoothing of points over time, by the One-Euro filter, in units of the face.

const MIN_CUTOFF = 1; // Hz, of a face at rest
const BETA = 30; // Hz for a speed of one side of the face a second
const SPEED_CUTOFF = 1; // Hz

/** The new value's share in a low-pass filter, for a step of so many seconds. */
function share(cutoff, step) {
  const angle = 2 * Math.PI * cutoff * step;
  return angle / (angle + 1);
}

/** A filter of one face's points; call it with each frame's points, its time in s, and the side. */
export function makeOneEuro() {
  let last = null; // {time, points, speeds}
  return function smooth(points, time, side) {
    const step = last ? time - last.time : 0;
    if (!(step > 0)) {
      last = { time, points, speeds: points.map(() => [0, 0]) };
      return points;
    }
    const before = last;
    const speeds = points.map((xy, i) => xy.map((value, axis) => {
      const speed = (value - before.points[i][axis]) / (step * Math.max(side, 1e-6));
      return before.speeds[i][axis] + share(SPEED_CUTOFF, step) * (speed - before.speeds[i][axis]);
    }));
    const smoothed = points.map((xy, i) => {
      const part = share(MIN_CUTOFF + BETA * Math.hypot(...speeds[i]), step);
      return xy.map((value, axis) => before.points[i][axis] + part * (value - before.points[i][axis]));
    });
    last = { time, points: smoothed, speeds };
    return smoothed;
  };
}
