// Photographs that people give: they are read and looked at one after the other.

import { pixelsOf, readPicture } from './pixels.js';
import { makeFace } from './store.js';

/** Make the queue; `tell` has `say(text)`, `said()` for the text that is shown, and `complain(text)`. */
export function makeQueue(store, ask, tell) {
  const waiting = [];
  let isBusy = false;
  let told = '';

  async function work() {
    if (isBusy) return;
    isBusy = true;
    while (waiting.length > 0) await look(waiting.shift());
    isBusy = false;
  }

  /** Find the faces of a photograph; `boxes` are those that a person has drawn. */
  async function look({ photograph, boxes }) {
    const note = (text) => {
      photograph.note = text;
      if (photograph === store.photograph) sayNote();
    };
    try {
      await show(photograph);
      note('looking for faces');
      const pixels = pixelsOf(photograph.picture);
      const { faces, ms } = await ask('find', { photograph: pixels, boxes }, ({ done, all }) => {
        if (all > 1) note(`face ${done} of ${all}`);
      });
      photograph.faces.push(...faces.map(makeFace));
      photograph.state = 'done';
      note(sayFound(photograph, (ms.detector + ms.model) / 1000, boxes));
      if (photograph === store.photograph) store.face = boxes ? photograph.faces.length - 1 : 0;
    } catch (error) {
      photograph.state = 'failed';
      note('it cannot be used.');
      tell.complain(`${photograph.name}: ${error.message}`);
    }
    if (photograph !== store.photograph) {
      put(photograph);
      if (store.photograph && tell.said() === told) sayNote(); // fewer are waiting
    }
    store.changed();
  }

  /** Tell what is known of the photograph that is shown, and how many others are waiting. */
  function sayNote() {
    if (store.live) return;
    const { name, note } = store.photograph;
    const count = waiting.filter(({ photograph }) => photograph !== store.photograph).length;
    const rest = count === 1 ? ' One more photograph is waiting.' : ` ${count} more photographs are waiting.`;
    told = `${name}: ${note}${count && note.endsWith('.') ? rest : ''}`;
    tell.say(told);
  }

  return {
    /** Take files; those that are here already are not taken twice. */
    add(files) {
      for (const file of files) {
        const same = store.photographs.find(({ name }) => name === file.name);
        if (same && same.blob?.size === file.size && same.blob?.lastModified === file.lastModified) {
          tell.say(`${file.name} is here already.`);
        } else if (same) {
          tell.complain(`${file.name}: another photograph has this name, by which saved points are known. Rename one of them.`);
        } else {
          this.take({ name: file.name, blob: file });
        }
      }
      return work();
    },

    /** Take a photograph that may have its picture, or faces, already. */
    take(given) {
      const photograph = { picture: null, width: 0, height: 0, faces: [], state: 'waiting', note: 'waiting', ...given };
      store.photographs.push(photograph);
      if (photograph.state === 'waiting') waiting.push({ photograph });
      if (!store.photograph || store.photographs.length === 1 || given.isFrame) choose(photograph);
      return photograph;
    },

    /** Look for points in a box that a person has drawn. */
    addBox(photograph, box) {
      waiting.push({ photograph, boxes: [{ box, score: 1 }] });
      return work();
    },

    choose,

    removeAll() {
      waiting.length = 0;
      store.removeAll();
    },
  };

  async function choose(photograph) {
    const before = store.photograph;
    store.choosePhotograph(photograph);
    sayNote();
    if (before && before !== photograph) put(before);
    try {
      await show(photograph);
      store.changed();
    } catch {
      // The queue says so, when it comes to it.
    }
  }

  /** Decode a photograph, unless it is. */
  async function show(photograph) {
    if (photograph.picture) return;
    let picture;
    try {
      picture = await readPicture(photograph.blob);
    } catch {
      throw new Error('this browser cannot read it as a photograph');
    }
    if (photograph.picture) {
      picture.close();
      return;
    }
    const { width, height } = picture;
    Object.assign(photograph, { picture, width, height });
    photograph.thumbnail ??= makeThumbnail(picture);
    store.changed();
  }

  /** Give the memory of a picture back; its file can be read again. */
  function put(photograph) {
    if (photograph.state === 'waiting' && waiting.some((each) => each.photograph === photograph)) return;
    photograph.picture?.close();
    photograph.picture = null;
  }
}

function makeThumbnail(picture) {
  const ratio = Math.max(160 / picture.width, 128 / picture.height);
  const canvas = document.createElement('canvas');
  const size = { width: Math.round(picture.width * ratio), height: Math.round(picture.height * ratio) };
  Object.assign(canvas, size);
  canvas.getContext('2d').drawImage(picture, 0, 0, size.width, size.height);
  return canvas;
}

function sayFound({ faces }, seconds, boxes) {
  const took = `in ${seconds.toFixed(1)} s`;
  if (boxes) return `the points of the box that you drew, ${took}.`;
  if (faces.length === 0) return 'no face found. Draw a box about one.';
  return `${faces.length} ${faces.length === 1 ? 'face' : 'faces'} ${took}.`;
}
