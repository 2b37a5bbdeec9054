// The part of a photograph that the stage shows: pixels of the photograph to those of the screen.

const CLOSEST = 32; // screen pixels of one of the photograph
const MARGIN = 32; // screen pixels about a point in sight
const EDGE = 4; // and about a label

export function makeView() {
  const view = {
    zoom: 1,
    least: 1, // the zoom at which the whole photograph is seen
    left: 0, // of the photograph's corner on the stage
    top: 0,
    width: 1, // of the stage
    height: 1,
    size: [1, 1], // of the photograph

    get isWhole() {
      return view.zoom <= view.least * (1 + 1e-6); // factors multiply to one but for rounding
    },

    /** Show a whole photograph. */
    fitWhole([wide, high]) {
      view.size = [wide, high];
      view.fit([0, 0, wide, high]);
      view.least = view.zoom;
    },

    /** Show a box xyxy as large as it fits, with a margin, in shares of its size. */
    fit([left, top, right, bottom], margin = 0) {
      const ratio = 1 + 2 * margin;
      const [wide, high] = [(right - left) * ratio, (bottom - top) * ratio];
      view.zoom = Math.min(CLOSEST, view.width / wide, view.height / high);
      view.left = view.width / 2 - (view.zoom * (left + right)) / 2;
      view.top = view.height / 2 - (view.zoom * (top + bottom)) / 2;
    },

    /** Show more or less about a place of the stage, by default its middle. */
    scale(factor, [x, y] = [view.width / 2, view.height / 2]) {
      const zoom = Math.min(CLOSEST, Math.max(view.least, view.zoom * factor));
      const ratio = zoom / view.zoom;
      view.zoom = zoom;
      view.moveTo([x + (view.left - x) * ratio, y + (view.top - y) * ratio]);
    },

    moveBy([dx, dy]) {
      view.moveTo([view.left + dx, view.top + dy]);
    },

    /** Move a point of the photograph into sight, if it lies outside. */
    reveal(xy) {
      const sides = [view.width, view.height];
      view.moveBy(view.toScreen(xy).map((value, axis) => (
        Math.min(sides[axis] - MARGIN, Math.max(MARGIN, value)) - value
      )));
    },

    /** Put the photograph's corner somewhere: a whole one in the middle, others not out of sight. */
    moveTo(corner) {
      const middle = [view.width / 2, view.height / 2];
      [view.left, view.top] = corner.map((value, axis) => {
        const side = view.size[axis] * view.zoom;
        if (view.isWhole) return middle[axis] - side / 2;
        return Math.min(middle[axis], Math.max(middle[axis] - side, value));
      });
    },

    // The middle of the first pixel is the origin of points.
    toScreen([x, y]) {
      return [view.left + (x + 0.5) * view.zoom, view.top + (y + 0.5) * view.zoom];
    },

    toPhotograph([x, y]) {
      return [(x - view.left) / view.zoom - 0.5, (y - view.top) / view.zoom - 0.5];
    },

    /** The corner of a label beside a place, where it is in sight and hides the fewest points. */
    placeLabel([x, y], gap, [width, height], points) {
      const [left, top] = [x - width / 2, y - height / 2];
      const corners = [[x + gap, top], [x - gap - width, top], [left, y - gap - height], [left, y + gap]]
        .map((corner) => [
          Math.min(Math.max(EDGE, corner[0]), view.width - width - EDGE),
          Math.min(Math.max(EDGE, corner[1]), view.height - height - EDGE),
        ]);
      const places = points.map(view.toScreen);
      const hidden = corners.map((corner) => places.filter(
        (at) => Math.abs(at[0] - corner[0] - width / 2) < width / 2 + EDGE
          && Math.abs(at[1] - corner[1] - height / 2) < height / 2 + EDGE,
      ).length);
      return corners[hidden.indexOf(Math.min(...hidden))];
    },
  };
  return view;
}
