// Crops of faces as the network takes them, and the way back of their points.

/**
 * What a crop shows: `corner` and `scale`, pixels of the photograph, and the `step` from one pixel
 * of the crop to the next. The shorter side of a box grows until it has the crop's form.
 */
export function planCrop([left, top, right, bottom], model) {
  const size = model.input_size;
  const center = [(left + right) / 2, (top + bottom) / 2];
  const sides = [(right - left) * model.padding, (bottom - top) * model.padding];
  const ratio = Math.max(sides[0] / size[0], sides[1] / size[1]);
  const scale = size.map((side) => side * ratio);
  return {
    corner: center.map((value, axis) => value - scale[axis] / 2),
    scale,
    step: scale.map((side, axis) => side / (model.use_udp ? size[axis] - 1 : size[axis])),
  };
}

/** Cut a crop, `height * width * 3` levels BGR; what lies outside of the photograph is black. */
export function cutCrop({ data, width, height }, plan, [cropWidth, cropHeight]) {
  const crop = new Uint8ClampedArray(cropWidth * cropHeight * 3);
  const columns = taps(cropWidth, plan.corner[0], plan.step[0], width, 4);
  const rows = taps(cropHeight, plan.corner[1], plan.step[1], height, width * 4);
  let to = 0;
  for (const [top, nearY, farY] of rows) {
    for (const [left, nearX, farX] of columns) {
      const from = top + left;
      for (let channel = 2; channel >= 0; channel -= 1, to += 1) {
        let sum = 0;
        if (nearY) sum += nearY * blend(data, from + channel, nearX, farX);
        if (farY) sum += farY * blend(data, from + channel + width * 4, nearX, farX);
        crop[to] = sum; // rounds
      }
    }
  }
  return crop;
}

function blend(data, from, near, far) {
  return (near && near * data[from]) + (far && far * data[from + 4]);
}

/** Of each place along an axis: the offset of the pixel before it, and both pixels' shares. */
function taps(count, corner, step, side, stride) {
  return Array.from({ length: count }, (_, index) => {
    const position = corner + index * step;
    const pixel = Math.floor(position);
    const far = position - pixel;
    const inside = (place) => place >= 0 && place < side;
    return [pixel * stride, inside(pixel) ? 1 - far : 0, inside(pixel + 1) ? far : 0];
  });
}

/** Map points of a crop, `[x, y]` each, to the photograph. */
export function mapBack(points, plan, size) {
  return points.map((xy) => xy.map(
    (value, axis) => (value / size[axis]) * plan.scale[axis] + plan.corner[axis],
  ));
}
