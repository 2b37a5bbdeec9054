// RetinaFace: its input, and the boxes in its output.

import { iou } from './boxes.js';
import { shrink } from './resize.js';

const MEAN_BGR = [104, 117, 127];
// The sides of the two square priors at each cell of maps of these strides, px.
const PRIORS = [[8, [16, 32]], [16, [64, 128]], [32, [256, 512]]];
const LARGEST_STRIDE = 32;
const CENTER_VARIANCE = 0.1;
const SIZE_VARIANCE = 0.2;
const OVERLAP = 0.4; // of two boxes of one face

/** Find the faces of RGBA pixels: `{box, score}` each, the surest first. */
export async function detectFaces(network, photograph, { longestSide = 640, leastScore = 0.8 } = {}) {
  const ratio = Math.min(1, longestSide / Math.max(photograph.width, photograph.height));
  const width = Math.max(1, roundEven(photograph.width * ratio));
  const height = Math.max(1, roundEven(photograph.height * ratio));
  const input = makeInput(shrink(photograph, width, height));
  const { offsets, scores } = await network(input);
  const zoom = [photograph.width / width, photograph.height / height];
  const found = decode(offsets, scores, input, leastScore);
  for (const each of found) each.box = each.box.map((value, place) => value * zoom[place % 2]);
  return keepBest(found);
}

/** Round halves to even numbers, as Python does. */
function roundEven(value) {
  return value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}

/** Levels without their mean, planes BGR, padded to whole cells of the coarsest map. */
function makeInput({ data, width, height }) {
  const wide = Math.ceil(width / LARGEST_STRIDE) * LARGEST_STRIDE;
  const high = Math.ceil(height / LARGEST_STRIDE) * LARGEST_STRIDE;
  const values = new Float32Array(3 * wide * high);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        const level = data[(y * width + x) * 3 + 2 - channel];
        values[(channel * high + y) * wide + x] = level - MEAN_BGR[channel];
      }
    }
  }
  return { values, width: wide, height: high };
}

function decode(offsets, scores, { width, height }, leastScore) {
  const found = [];
  let prior = 0;
  for (const [stride, sides] of PRIORS) {
    for (let y = 0.5; y < Math.floor(height / stride); y += 1) {
      for (let x = 0.5; x < Math.floor(width / stride); x += 1) {
        for (const side of sides) {
          const score = scores[prior * 2 + 1];
          if (score >= leastScore) {
            const own = offsets.subarray(prior * 4, prior * 4 + 4);
            found.push({ box: boxOf(own, x * stride, y * stride, side), score });
          }
          prior += 1;
        }
      }
    }
  }
  return found;
}

function boxOf([dx, dy, dw, dh], x, y, side) {
  const [cx, cy] = [x + dx * CENTER_VARIANCE * side, y + dy * CENTER_VARIANCE * side];
  const [w, h] = [dw, dh].map((each) => (side * Math.exp(each * SIZE_VARIANCE)) / 2);
  return [cx - w, cy - h, cx + w, cy + h];
}

/** Of boxes that overlap, keep the best. */
function keepBest(found) {
  const kept = [];
  for (const each of [...found].sort((a, b) => b.score - a.score)) {
    if (!kept.some(({ box }) => iou(box, each.box) > OVERLAP)) kept.push(each);
  }
  return kept;
}
