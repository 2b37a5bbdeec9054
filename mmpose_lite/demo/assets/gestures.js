// Mouse, fingers and keys on the stage: choosing and moving points, moving the view, drawing boxes.

import { errorOf } from './store.js';

const REACH = { mouse: 12, pen: 14, touch: 24 }; // screen pixels about a point
const SMALLEST_BOX = 8; // pixels of the photograph
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The nearest point of all faces within reach of a place on the stage, or null. */
function nearestPoint(store, view, [x, y], reach) {
  let best = null;
  store.faces.forEach((face, index) => face.points.forEach((xy, point) => {
    const [px, py] = view.toScreen(xy);
    const distance = Math.hypot(px - x, py - y);
    if (distance <= (best?.distance ?? reach)) best = { index, face, point, distance };
  }));
  return best;
}

/** Let people work on the stage; `actions` has `addBox(box)` and `say(text)`. */
export function listen(element, stage, store, model, actions) {
  const { view, canvas } = stage;
  const pointers = new Map(); // those that are down, with their places
  let drag = null;
  const place = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };

  function begin(event) {
    if (!store.photograph?.picture || store.live || event.button) return;
    const at = place(event);
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at);
    if (pointers.size > 1) {
      takeBack();
      drag = { kind: 'pinch' };
    } else if (store.isDrawing) {
      drag = { kind: 'box', from: view.toPhotograph(at) };
    } else {
      const near = nearestPoint(store, view, at, REACH[event.pointerType] ?? REACH.mouse);
      if (near) store.choose(near.index, near.point);
      drag = near ? { kind: 'point', ...near, at } : { kind: 'view' };
    }
  }

  function move(event) {
    const before = pointers.get(event.pointerId);
    if (!drag || !before) return;
    const at = place(event);
    const here = view.toPhotograph(at);
    if (drag.kind === 'box') {
      store.box = boxBetween(drag.from, here);
    } else if (drag.kind === 'point') {
      // A click that shakes moves nothing.
      if (!drag.old && Math.hypot(at[0] - drag.at[0], at[1] - drag.at[1]) < 3) return;
      drag.old ??= store.placeOf(drag.face, drag.point);
      store.correct(drag.face, drag.point, inside(here, store.photograph));
    } else if (drag.kind === 'view') {
      view.moveBy([at[0] - before[0], at[1] - before[1]]);
    } else {
      pinch(event.pointerId, at);
    }
    pointers.set(event.pointerId, at);
    store.changed();
  }

  /** Zoom by the distance of two fingers, and move with what lies between them. */
  function pinch(pointer, at) {
    const [one, other] = [...pointers];
    const [before, now] = [[one[1], other[1]], [one, other].map(([id, xy]) => (id === pointer ? at : xy))]
      .map(([[x, y], [otherX, otherY]]) => (
        { middle: [(x + otherX) / 2, (y + otherY) / 2], apart: Math.hypot(otherX - x, otherY - y) }
      ));
    view.scale(now.apart / Math.max(before.apart, 1), before.middle);
    view.moveBy([now.middle[0] - before.middle[0], now.middle[1] - before.middle[1]]);
  }

  /** Undo what the first finger has done when a second one comes. */
  function takeBack() {
    if (drag?.old) store.putBack(drag.face, drag.point, drag.old);
    store.box = null;
  }

  function end(event) {
    pointers.delete(event.pointerId);
    if (drag?.kind === 'pinch') {
      drag = pointers.size === 1 ? { kind: 'view' } : drag;
    } else {
      if (drag?.kind === 'box') finishBox();
      if (drag?.old) actions.say(sayPoint(store, model));
      drag = null;
    }
    if (pointers.size === 0) drag = null;
  }

  function cancel(event) {
    pointers.delete(event.pointerId);
    takeBack();
    drag = null;
  }

  function finishBox() {
    const { box } = store;
    Object.assign(store, { box: null, isDrawing: false });
    const isLarge = box && Math.min(box[2] - box[0], box[3] - box[1]) >= SMALLEST_BOX;
    if (isLarge) actions.addBox(box);
    else actions.say('The box is too small: press, and drag to its other corner.');
    store.changed();
  }

  /** Zoom where the pointer is; elsewhere, and beyond the whole photograph, the page scrolls. */
  function zoom(event) {
    const isAsked = event.ctrlKey || event.metaKey;
    if (!store.photograph?.picture || store.live || !(store.isActive || isAsked)) return;
    if (event.deltaY > 0 && view.isWhole && !isAsked) return;
    event.preventDefault();
    view.scale(Math.exp(-wheelPixels(event) / 300), place(event));
    store.changed();
  }

  canvas.addEventListener('pointerdown', begin);
  canvas.addEventListener('pointermove', move);
  canvas.addEventListener('pointerup', end);
  canvas.addEventListener('pointercancel', cancel);
  canvas.addEventListener('wheel', zoom, { passive: false });
  // One finger scrolls the page, unless it is on a point or the photograph is enlarged.
  canvas.addEventListener('touchstart', (event) => {
    if (!store.photograph?.picture || store.live) return;
    const isOurs = event.touches.length > 1 || store.isDrawing || !view.isWhole
      || nearestPoint(store, view, place(event.touches[0]), REACH.touch);
    if (isOurs && event.cancelable) event.preventDefault();
  }, { passive: false });
  element.addEventListener('keydown', (event) => {
    if (store.live || !store.photograph?.picture || event.ctrlKey || event.metaKey) return;
    const isKnown = store.isDrawing ? boxKey(event) : pointKey(event);
    if (!isKnown) return;
    event.preventDefault();
    store.changed();
  });
  element.addEventListener('focus', () => { store.isActive = true; store.changed(); });
  element.addEventListener('blur', () => { store.isActive = false; store.changed(); });

  /** Move, shrink and accept a box by keys. */
  function boxKey({ key, shiftKey }) {
    store.box ??= boxInView(view);
    const [left, top, right, bottom] = store.box;
    const size = right - left;
    if (STEPS[key]) {
      const [dx, dy] = STEPS[key].map((each) => each * size * (shiftKey ? 0.2 : 0.04));
      store.box = [left + dx, top + dy, right + dx, bottom + dy];
    } else if ('+=-'.includes(key)) {
      const change = size * (key === '-' ? -0.04 : 0.04);
      store.box = [left - change, top - change, right + change, bottom + change];
    } else if (key === 'Enter') {
      finishBox();
    } else if (key === 'Escape') {
      Object.assign(store, { box: null, isDrawing: false });
    } else {
      return false;
    }
    return true;
  }

  function pointKey({ key, shiftKey }) {
    const face = store.chosenFace;
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (face && STEPS[name]) {
      const [dx, dy] = STEPS[name].map((each) => each * (shiftKey ? 10 : 1));
      const [x, y] = face.points[store.point];
      store.correct(face, store.point, inside([x + dx, y + dy], store.photograph));
    } else if (face && (name === 'Delete' || name === 'Backspace')) {
      store.restore(face, store.point);
    } else if (face && ['n', 'p', 'PageDown', 'PageUp'].includes(name)) {
      const count = face.points.length;
      const step = name === 'n' || name === 'PageDown' ? 1 : count - 1;
      store.choose(store.face, (store.point + step) % count);
    } else {
      return zoomKey(name);
    }
    view.reveal(face.points[store.point]);
    actions.say(sayPoint(store, model));
    return true;
  }

  /** Zoom about the chosen point, which then stays where it is on the stage. */
  function zoomKey(name) {
    const chosen = store.chosenFace?.points[store.point];
    const at = chosen && view.toScreen(chosen);
    if (name === '+' || name === '=') view.scale(1.25, at);
    else if (name === '-') view.scale(0.8, at);
    else if (name === '0') stage.showAll();
    else if (name === 'f') stage.showFace();
    else return false;
    return true;
  }
}

/** Name the chosen point, and say where it is. */
export function sayPoint(store, model) {
  const face = store.chosenFace;
  const [x, y] = face.points[store.point].map((value) => value.toFixed(1));
  const error = errorOf(face, store.point);
  const by = face.corrected.has(store.point)
    ? 'corrected' : `score ${face.scores[store.point].toFixed(2)}`;
  const expected = error === null ? '' : `, expected error ${error.toFixed(1)} % of the box`;
  return `${model.points[store.point]}: ${x}, ${y}, ${by}${expected}`;
}

/** How far a wheel was turned, in pixels; Firefox counts lines. */
function wheelPixels({ deltaY, deltaMode }) {
  return deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 * deltaY : deltaY;
}

function inside([x, y], { width, height }) {
  return [Math.min(Math.max(x, -0.5), width - 0.5), Math.min(Math.max(y, -0.5), height - 0.5)];
}

function boxBetween([x, y], [otherX, otherY]) {
  return [Math.min(x, otherX), Math.min(y, otherY), Math.max(x, otherX), Math.max(y, otherY)];
}

/** A square in the middle of what the stage shows. */
function boxInView(view) {
  const [x, y] = view.toPhotograph([view.width / 2, view.height / 2]);
  const half = Math.min(view.width, view.height) / view.zoom / 4;
  return [x - half, y - half, x + half, y + half];
}
