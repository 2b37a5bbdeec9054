// The part of a photograph that the stage shows: pixels of the photograph to those of the screen.

const CLOSEST = 32; // screen pixels of one of the photograph

export function makeView() {
  const view = {
    zoom: 1,
    left: 0, // of the photograph's corner on the stage
    top: 0,
    width: 1, // of the stage
    height: 1,

    /** Show a box xyxy as large as it fits, with a margin, in shares of its size. */
    fit([left, top, right, bottom], margin = 0) {
      const ratio = 1 + 2 * margin;
      const [wide, high] = [(right - left) * ratio, (bottom - top) * ratio];
      view.zoom = Math.min(CLOSEST, view.width / wide, view.height / high);
      view.left = view.width / 2 - (view.zoom * (left + right)) / 2;
      view.top = view.height / 2 - (view.zoom * (top + bottom)) / 2;
    },

    /** Show more or less about a place of the stage, by default its middle. */
    scale(factor, at = [view.width / 2, view.height / 2]) {
      const zoom = Math.min(CLOSEST, Math.max(0.02, view.zoom * factor));
      const ratio = zoom / view.zoom;
      view.left = at[0] + (view.left - at[0]) * ratio;
      view.top = at[1] + (view.top - at[1]) * ratio;
      view.zoom = zoom;
    },

    // The middle of the first pixel is the origin of points.
    toScreen([x, y]) {
      return [view.left + (x + 0.5) * view.zoom, view.top + (y + 0.5) * view.zoom];
    },

    toPhotograph([x, y]) {
      return [(x - view.left) / view.zoom - 0.5, (y - view.top) / view.zoom - 0.5];
    },
  };
  return view;
}
