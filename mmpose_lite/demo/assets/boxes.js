// Boxes xyxy in pixels: overlaps, and the map from a detector's boxes to those of the training.

/** Overlap of two boxes over their union. */
export function iou(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  return shared / (area(a) + area(b) - shared || 1);
}

function area([left, top, right, bottom]) {
  return (right - left) * (bottom - top);
}

/** Shift and scale a box by a map of `mmpose-lite calibrate`; without one it stays. */
export function mapBox(box, map) {
  if (!map) return box;
  const [x, y] = middle(box);
  const size = Math.sqrt(area(box));
  const width = size * map.scale * Math.sqrt(map.aspect);
  return boxAbout([x + size * map.dx, y + size * map.dy], width, width / map.aspect);
}

export function middle([left, top, right, bottom]) {
  return [(left + right) / 2, (top + bottom) / 2];
}

export function boxAbout([x, y], width, height) {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

/** The longer side of a box. */
export function sideOf([left, top, right, bottom]) {
  return Math.max(right - left, bottom - top);
}

/** Move a box and scale it as its points do, from a frame to the next. */
export function followPoints(box, before, now) {
  const [old, oldSpread] = spreadOf(before);
  const [place, spread] = spreadOf(now);
  const ratio = spread / oldSpread;
  const [x, y] = middle(box);
  const shifted = [place[0] + (x - old[0]) * ratio, place[1] + (y - old[1]) * ratio];
  return boxAbout(shifted, (box[2] - box[0]) * ratio, (box[3] - box[1]) * ratio);
}

function spreadOf(points) {
  const mean = [0, 1].map((axis) => points.reduce((sum, xy) => sum + xy[axis], 0) / points.length);
  const squares = points.map(([x, y]) => (x - mean[0]) ** 2 + (y - mean[1]) ** 2);
  const spread = Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / points.length);
  return [mean, Math.max(spread, 1e-3)];
}
