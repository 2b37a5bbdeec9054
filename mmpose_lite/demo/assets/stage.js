// The stage: the photograph, its boxes and points on a canvas.

import { sideOf } from './boxes.js';
import { scoreColours } from './colours.js';
import { errorOf, isShown } from './store.js';
import { makeView } from './view.js';

const RADIUS = 0.013; // of a face's side
const PIXELS_FROM = 4; // zoom from which on the photograph's pixels are seen as such

/** Make the stage on its canvas; it draws itself when the store changes. */
export function makeStage(canvas, store, model) {
  const view = makeView();
  const stage = { view, canvas };
  let shown = null; // what the view was fitted to

  function draw() {
    const picture = store.live?.picture ?? store.photograph?.picture;
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    const isResized = view.width !== width || view.height !== height;
    Object.assign(view, { width, height });
    const subject = store.live ? 'webcam' : store.photograph;
    if (picture && (subject !== shown || isResized)) stage.showAll();
    shown = picture && subject;
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!picture) return;
    context.imageSmoothingEnabled = view.zoom < PIXELS_FROM;
    const [wide, high] = [picture.width * view.zoom, picture.height * view.zoom];
    context.drawImage(picture, view.left, view.top, wide, high);
    drawFaces(context, view, store, model);
    if (store.box) drawBox(context, view, store.box, true);
  }

  stage.showAll = () => {
    const { width, height } = store.live?.picture ?? store.photograph.picture;
    view.fitWhole([width, height]);
  };
  stage.showFace = () => {
    if (store.chosenFace) view.fit(store.chosenFace.box, 0.12);
  };
  new ResizeObserver(store.changed).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', store.changed);
  store.show(draw);
  return stage;
}

function drawFaces(context, view, store, model) {
  const colour = scoreColours();
  const scale = store.largestScore;
  store.faces.forEach((face, index) => {
    const isChosen = !store.live && index === store.face;
    drawBox(context, view, face.box, isChosen && store.faces.length > 1);
    drawLinks(context, view, face, model.skeleton ?? []);
    const radius = Math.min(6, Math.max(2.5, sideOf(face.box) * view.zoom * RADIUS));
    face.points.forEach((xy, point) => {
      const fill = colour(face.scores[point] / scale);
      const mark = { fill, radius, isCorrected: face.corrected.has(point) };
      mark.isHollow = !isShown(face, point, store.leastScore);
      drawPoint(context, view.toScreen(xy), mark);
    });
    if (isChosen && store.isActive) drawChosen(context, view, face, store.point, model.points, radius);
  });
}

function drawBox(context, view, [left, top, right, bottom], isStrong) {
  const [x, y] = view.toScreen([left - 0.5, top - 0.5]);
  const [width, height] = [(right - left) * view.zoom, (bottom - top) * view.zoom];
  for (const [style, line] of [['rgb(0 0 0 / 0.45)', 3], ['rgb(255 255 255 / 0.9)', 1]]) {
    context.strokeStyle = style;
    context.lineWidth = isStrong ? line * 1.6 : line;
    context.strokeRect(x, y, width, height);
  }
}

function drawLinks(context, view, face, links) {
  context.strokeStyle = 'rgb(255 255 255 / 0.65)';
  context.lineWidth = 1.25;
  context.beginPath();
  for (const pair of links) {
    const [from, to] = pair.map((point) => view.toScreen(face.points[point]));
    context.moveTo(...from);
    context.lineTo(...to);
  }
  context.stroke();
}

/** A disc; a ring where the score is too low, and a square where a person has put it. */
function drawPoint(context, [x, y], { fill, radius, isCorrected, isHollow }) {
  context.beginPath();
  if (isCorrected) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  else context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = 'rgb(0 0 0 / 0.75)';
  context.lineWidth = isHollow ? 3.5 : 2;
  context.stroke();
  if (isHollow) {
    context.strokeStyle = fill;
    context.lineWidth = 1.5;
    context.stroke();
  } else {
    context.fillStyle = fill;
    context.fill();
  }
}

/** A ring about the chosen point, and beside it its name and the error to expect. */
function drawChosen(context, view, face, point, names, radius) {
  const [x, y] = view.toScreen(face.points[point]);
  for (const [style, line] of [['rgb(0 0 0 / 0.75)', 4], ['white', 2]]) {
    context.beginPath();
    context.arc(x, y, radius + 5, 0, 2 * Math.PI);
    context.strokeStyle = style;
    context.lineWidth = line;
    context.stroke();
  }
  context.font = '600 13px system-ui, sans-serif';
  const error = errorOf(face, point);
  const text = error === null ? names[point] : `${names[point]}, error ${error.toFixed(1)} %`;
  const width = context.measureText(text).width + 14;
  const [left, top] = view.placeLabel([x, y], radius + 10, [width, 24], face.points);
  context.beginPath();
  context.roundRect(left, top, width, 24, 5);
  context.fillStyle = 'rgb(20 24 28 / 0.85)';
  context.fill();
  context.fillStyle = 'white';
  context.textBaseline = 'middle';
  context.fillText(text, left + 7, top + 12.5);
}
