// What the page holds: photographs with their faces, what is chosen, and what is shown.

/** A face, as the networks found it; points that people move are told apart by `corrected`. */
export function makeFace({ box, boxScore, points, scores, errors }) {
  const found = points.map((xy) => [...xy]);
  return { box, boxScore, points, scores, errors, found, corrected: new Set() };
}

export function makeStore() {
  const views = [];
  let isDue = false;
  const store = {
    photographs: [], // {name, blob, picture, width, height, faces, state, note, isFrame}
    photograph: null, // that is shown
    face: 0,
    point: 0,
    leastScore: 0,
    smooths: true,
    live: null, // the webcam's newest frame: {picture, faces}
    isDrawing: false, // a box
    box: null, // as far as it is drawn
    isActive: false, // the stage has the keyboard

    /** Draw `view` whenever something has changed. */
    show(view) {
      views.push(view);
    },

    changed() {
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        for (const view of views) view();
      });
    },

    get faces() {
      return store.live?.faces ?? store.photograph?.faces ?? [];
    },

    get chosenFace() {
      return store.faces[store.face];
    },

    /** The end of the scale of scores: 1, which heatmaps pass by a little, or more for other codecs. */
    get largestScore() {
      const all = store.photographs.flatMap(({ faces }) => faces).concat(store.faces);
      return Math.max(1, Math.ceil(Math.max(...all.flatMap(({ scores }) => scores)) - 0.25));
    },

    choosePhotograph(photograph) {
      Object.assign(store, { photograph, face: 0, point: 0, box: null });
      store.changed();
    },

    choose(face, point = store.point) {
      Object.assign(store, { face, point });
      store.changed();
    },

    /** Put a point where a person says it is. */
    correct(face, point, xy) {
      face.points[point] = xy;
      face.corrected.add(point);
      store.changed();
    },

    /** Where a point is, for `putBack`. */
    placeOf(face, point) {
      return { xy: face.points[point], isCorrected: face.corrected.has(point) };
    },

    putBack(face, point, { xy, isCorrected }) {
      face.points[point] = xy;
      if (!isCorrected) face.corrected.delete(point);
      store.changed();
    },

    restore(face, point) {
      face.points[point] = [...face.found[point]];
      face.corrected.delete(point);
      store.changed();
    },

    removeAll() {
      for (const { picture } of store.photographs) picture?.close();
      Object.assign(store, { photographs: [], leastScore: 0, isDrawing: false });
      store.choosePhotograph(null);
    },

    removeFace(index) {
      store.photograph.faces.splice(index, 1);
      store.choose(Math.max(0, Math.min(index, store.faces.length - 1)));
    },
  };
  return store;
}

/** The expected error of a point, percent of the box; null if it is not known, or a person put it there. */
export function errorOf(face, point) {
  return face.errors && !face.corrected.has(point) ? face.errors[point] : null;
}

/** Tell whether a point counts as visible: sure enough, or put there by a person. */
export function isShown(face, point, leastScore) {
  return face.corrected.has(point) || face.scores[point] >= leastScore;
}
