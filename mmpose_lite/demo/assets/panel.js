// What is beside the photograph: the slider, the faces, and the table of the chosen one's points.

import { scoreColours } from './colours.js';
import { errorOf, isShown } from './store.js';

const element = (id) => document.getElementById(id);

/** Draw the panel when the store changes. */
export function makePanel(store, model) {
  const titles = ['x', 'y', 'score', ...(model.expected_errors ? ['error'] : [])];
  const rows = model.points.map((name, point) => makeRow(name, titles, () => store.choose(store.face, point)));
  element('points').append(...rows.map(({ row }) => row));
  element('points').addEventListener('keydown', (event) => moveInTable(event, store, rows));
  listenToSlider(store);
  element('restore').onclick = () => store.restore(store.chosenFace, store.point);
  element('remove').onclick = () => store.removeFace(store.face);
  element('smooths').onchange = ({ target }) => { store.smooths = target.checked; };
  store.show(() => {
    drawSlider(store);
    drawFaces(store);
    drawTable(store, rows);
    drawSaving(store);
    element('smooths-label').hidden = !store.live;
    element('keep').hidden = !store.live;
  });
}

function listenToSlider(store) {
  element('least').oninput = ({ target }) => {
    store.leastScore = Number(target.value);
    store.changed();
  };
}

function drawSlider(store) {
  const slider = element('least');
  slider.max = store.largestScore;
  slider.value = store.leastScore;
  element('least-value').textContent = store.leastScore.toFixed(2);
  const all = store.faces.flatMap((face) => face.points.map((_, i) => isShown(face, i, store.leastScore)));
  const below = all.filter((each) => !each).length;
  element('least-about').textContent = below
    ? `${below} of ${all.length} points are below it: rings, saved as hidden.`
    : 'Colours go from unsure to sure. Points below the least score become rings.';
}

function drawFaces(store) {
  const place = element('faces');
  const count = store.faces.length;
  while (place.children.length > count) place.lastChild.remove();
  while (place.children.length < count) {
    const index = place.children.length;
    const button = Object.assign(document.createElement('button'), {
      type: 'button', textContent: `Face ${index + 1}`, onclick: () => store.choose(index),
    });
    place.append(button);
  }
  [...place.children].forEach((button, index) => {
    button.setAttribute('aria-pressed', String(index === store.face));
  });
  element('remove').disabled = count === 0;
  element('draw').disabled = store.photograph?.state === 'failed';
  element('draw').setAttribute('aria-pressed', String(Boolean(store.isDrawing)));
  element('points-panel').hidden = count === 0;
}

function makeRow(name, titles, press) {
  const row = document.createElement('tr');
  const button = Object.assign(document.createElement('button'), {
    type: 'button', tabIndex: -1, title: name,
  });
  const mark = Object.assign(document.createElement('span'), { className: 'mark' });
  const words = document.createElement('span');
  // LeftEyeCenter may be broken before its capitals.
  for (const word of name.split(/(?<=[a-z0-9])(?=[A-Z])/)) words.append(word, document.createElement('wbr'));
  button.append(mark, words);
  const head = Object.assign(document.createElement('th'), { scope: 'row' });
  head.append(button);
  const cells = titles.map(() => Object.assign(document.createElement('td'), { className: 'n' }));
  row.append(head, ...cells);
  row.onclick = press;
  return { row, button, mark, cells };
}

function drawTable(store, rows) {
  const face = store.live ? null : store.chosenFace;
  if (!face) return;
  const colour = scoreColours();
  const scale = store.largestScore;
  rows.forEach(({ row, button, mark, cells }, point) => {
    const isCorrected = face.corrected.has(point);
    const isVisible = isShown(face, point, store.leastScore);
    const values = [...face.points[point].map((value) => value.toFixed(1)),
      isCorrected ? 'yours' : face.scores[point].toFixed(2), errorOf(face, point)?.toFixed(1) ?? ''];
    cells.forEach((cell, place) => { cell.textContent = values[place]; });
    cells[2].classList.toggle('below', !isVisible);
    mark.style.color = colour(face.scores[point] / scale);
    mark.classList.toggle('hollow', !isVisible);
    mark.classList.toggle('corrected', isCorrected);
    button.tabIndex = point === store.point ? 0 : -1;
    if (point === store.point) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  });
  element('restore').disabled = !face.corrected.has(store.point);
  keepInSight(rows[store.point].row);
}

/** Scroll the table, and nothing else, to a row. */
function keepInSight(row) {
  const box = row.closest('.scroll');
  const head = row.closest('table').tHead.offsetHeight;
  if (row.offsetTop - head < box.scrollTop) box.scrollTop = row.offsetTop - head;
  const end = row.offsetTop + row.offsetHeight - box.clientHeight;
  if (end > box.scrollTop) box.scrollTop = end;
}

/** The rows are one stop of the Tab key; the arrow keys go from row to row. */
function moveInTable(event, store, rows) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const point = Math.min(rows.length - 1, Math.max(0, store.point + step));
  store.choose(store.face, point);
  rows[point].button.tabIndex = 0;
  rows[point].button.focus({ preventScroll: true });
}

function drawSaving(store) {
  const done = store.photographs.filter(({ state }) => state === 'done');
  const faces = done.reduce((sum, photograph) => sum + photograph.faces.length, 0);
  const moved = done.flatMap((each) => each.faces).reduce((sum, face) => sum + face.corrected.size, 0);
  for (const button of document.querySelectorAll('[data-save]')) button.disabled = faces === 0;
  const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
  element('saved').textContent = faces === 0 ? 'There are no points yet.'
    : `${count(faces, 'face', 'faces')} of ${count(done.length, 'photograph', 'photographs')}`
      + `, ${count(moved, 'correction', 'corrections')}.`;
}
