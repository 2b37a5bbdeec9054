// Files of points: a table, COCO and .pts, as `mmpose-lite predict` writes them.

import { isShown } from './store.js';
import { makeZip } from './zip.js';

const [HIDDEN, VISIBLE] = [1, 2]; // COCO's flags

function round(value, digits = 3) {
  return Number(value.toFixed(digits));
}

function toXywh(box) {
  const [left, top, right, bottom] = box.map((value) => round(value));
  return [left, top, right - left, bottom - top].map((value) => round(value));
}

/** The scores of a face; a point that a person has put somewhere is sure. */
function scoresOf(face) {
  return face.scores.map((score, point) => (face.corrected.has(point) ? 1 : round(score, 4)));
}

/** A row a face: the photograph, the box, and x, y and score of each point. */
export function makeCsv(photographs, names) {
  const titles = ['filename', 'frame', 'time_s', 'id', 'box_score'];
  titles.push(...[...'xywh'].map((side) => `bbox_${side}`));
  titles.push(...names.flatMap((name) => ['x', 'y', 'score'].map((part) => `${name}_${part}`)));
  const rows = photographs.flatMap(({ name, faces }) => faces.map((face) => {
    const scores = scoresOf(face);
    const points = face.points.flatMap(([x, y], i) => [round(x), round(y), scores[i]]);
    return [name, '', '', '', round(face.boxScore, 4), ...toXywh(face.box), ...points];
  }));
  return [titles, ...rows].map((row) => `${row.map(cell).join(',')}\n`).join('');
}

function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** COCO keypoints with AFLW's square box, which the data sets of mmpose_lite read. */
export function makeCoco(photographs, model, leastScore) {
  const images = [];
  const annotations = [];
  for (const { name, width, height, faces } of photographs) {
    images.push({ id: images.length + 1, file_name: name, width, height });
    for (const face of faces) {
      annotations.push(annotate(face, annotations.length + 1, images.length, leastScore));
    }
  }
  const skeleton = (model.skeleton ?? []).map((pair) => pair.map((point) => point + 1));
  const points = { keypoints: model.points, skeleton };
  const category = { supercategory: 'person', id: 1, name: 'face', ...points };
  const info = { description: 'predicted by mmpose_lite' };
  return JSON.stringify({ info, categories: [category], images, annotations });
}

function annotate(face, id, imageId, leastScore) {
  const bbox = toXywh(face.box);
  const [left, top, width, height] = bbox;
  const side = Math.max(width, height);
  const flags = face.points.map((_, i) => (isShown(face, i, leastScore) ? VISIBLE : HIDDEN));
  return {
    image_id: imageId,
    id,
    keypoints: face.points.flatMap(([x, y], i) => [round(x), round(y), flags[i]]),
    num_keypoints: face.points.length,
    bbox,
    iscrowd: 0,
    area: round(width * height),
    category_id: 1,
    center: [left + width / 2, top + height / 2],
    scale: side / 200,
    box_size: side,
    score: round(face.boxScore, 4),
    keypoint_scores: scoresOf(face),
    corrected: [...face.corrected].sort((a, b) => a - b),
  };
}

/** iBUG's .pts, whose first pixel is 1, 1: `[name, text]` a face, numbered from left to right. */
export function makePts(photographs) {
  return photographs.flatMap(({ name, faces }) => {
    const stem = name.replace(/\.[^.]*$/, '');
    const isShared = photographs.some((other) => other.name !== name && other.name.startsWith(`${stem}.`));
    const ordered = [...faces].sort((a, b) => a.box[0] - b.box[0]);
    return ordered.map(({ points }, place) => {
      const end = ordered.length > 1 ? `_${place + 1}` : '';
      const lines = points.map((xy) => `${xy.map((value) => round(value + 1)).join(' ')}\n`).join('');
      const text = `version: 1\nn_points: ${points.length}\n{\n${lines}}\n`;
      return [`${isShared ? name : stem}${end}.pts`, text];
    });
  });
}

/** The file of a form, `{name, blob}`: of several .pts, and of COCO with the webcam's frames, a zip. */
export async function makeFile(form, photographs, model, leastScore) {
  const done = photographs.filter(({ state }) => state === 'done');
  const bytes = (text) => new TextEncoder().encode(text);
  const plain = (name, text, type) => ({ name, blob: new Blob([text], { type }) });
  if (form === 'csv') return plain('points.csv', makeCsv(done, model.points), 'text/csv');
  if (form === 'pts') {
    const files = makePts(done);
    if (files.length === 1) return plain(...files[0], 'text/plain');
    return { name: 'points_pts.zip', blob: makeZip(files.map(([name, text]) => [name, bytes(text)])) };
  }
  const coco = makeCoco(done, model, leastScore);
  const frames = done.filter(({ isFrame }) => isFrame);
  if (frames.length === 0) return plain('points_coco.json', coco, 'application/json');
  const pictures = await Promise.all(frames.map(async ({ name, blob }) => (
    [`images/${name}`, new Uint8Array(await blob.arrayBuffer())]
  )));
  return { name: 'points_coco.zip', blob: makeZip([['points_coco.json', bytes(coco)], ...pictures]) };
}

/** Hand a file to the browser's downloads. */
export function download({ name, blob }) {
  const link = Object.assign(document.createElement('a'), { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
