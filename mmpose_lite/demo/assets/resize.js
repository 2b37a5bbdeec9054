// Shrinking of pictures, each pixel of which becomes the mean of the area that it shows.

/** Shrink RGBA pixels to RGB of another size, as OpenCV's INTER_AREA does. */
export function shrink({ data, width, height }, newWidth, newHeight) {
  const rows = shares(height, newHeight);
  const columns = shares(width, newWidth);
  const sums = new Float32Array(width * 3);
  const shrunk = new Uint8ClampedArray(newWidth * newHeight * 3);
  rows.forEach((parts, y) => {
    sums.fill(0);
    for (const [row, share] of parts) addRow(sums, data, row * width * 4, share);
    columns.forEach((own, x) => {
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 0;
        for (const [column, share] of own) sum += share * sums[column * 3 + channel];
        shrunk[(y * newWidth + x) * 3 + channel] = sum; // rounds
      }
    });
  });
  return { data: shrunk, width: newWidth, height: newHeight };
}

function addRow(sums, data, start, share) {
  for (let from = start, to = 0; to < sums.length; from += 4, to += 3) {
    sums[to] += share * data[from];
    sums[to + 1] += share * data[from + 1];
    sums[to + 2] += share * data[from + 2];
  }
}

/** The pixels of a side that each pixel of the shorter one shows, with their shares. */
function shares(side, newSide) {
  const step = side / newSide;
  return Array.from({ length: newSide }, (_, index) => {
    const [low, high] = [index * step, (index + 1) * step];
    const parts = [];
    for (let pixel = Math.floor(low); pixel < Math.min(side, high); pixel += 1) {
      const share = Math.min(high, pixel + 1) - Math.max(low, pixel);
      if (share > 1e-6) parts.push([pixel, share / step]);
    }
    return parts;
  });
}
