// The page: its parts, and what its buttons do.

import { startEngine } from './engine.js';
import { listen } from './gestures.js';
import { makePanel } from './panel.js';
import { makeQueue } from './photographs.js';
import { pixelsOf, readPicture } from './pixels.js';
import { download, makeFile } from './saving.js';
import { makeStage } from './stage.js';
import { makeFace, makeStore } from './store.js';
import { makeStrip } from './strip.js';
import { startWebcam } from './webcam.js';

const element = (id) => document.getElementById(id);
const ask = startEngine(describeEngine);
const store = makeStore();
let model;
let queue;
let webcam = null;

function say(text) {
  element('status').textContent = text;
}

/** Say what is wrong, until the next thing goes well. */
function complain(text) {
  element('problems').append(Object.assign(document.createElement('p'), { textContent: text }));
}

async function start() {
  say('Loading the networks');
  const [facts, picture] = await Promise.all([
    fetch('model.json').then((response) => response.json()),
    fetch('example.png').then((response) => response.blob()),
  ]);
  model = facts;
  const example = pixelsOf(await readPicture(picture));
  const engine = new URLSearchParams(location.search).get('engine');
  describeEngine(await ask('start', { facts: model, example, engine }));
  connect(picture);
  for (const id of ['choose', 'webcam', 'example']) element(id).disabled = false;
  document.documentElement.dataset.ready = '';
  say(model.files.detector ? 'Ready.' : 'Ready. This page has no detector: draw a box about each face.');
}

function describeEngine({ engine, threads, largest, refused }) {
  const name = engine === 'webgpu' ? 'WebGPU' : `WebAssembly, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const alone = threads === 1 && engine === 'wasm' && !crossOriginIsolated
    ? '; mmpose-lite demo --serve sends what several threads need' : '';
  element('engine').textContent = `onnxruntime-web ${model.onnxruntime_web} on ${name}${alone}`
    + `${refused.length ? `; ${refused.join('; ')}` : ''}`;
  document.documentElement.dataset.engine = engine;
  element('check').textContent = `the points of a rendered face lie within ${largest.toFixed(2)} px of Python's`;
  if (!(largest <= 0.5)) { // it may be no number
    complain(`Points of this page are not Python's: they differ by ${largest.toFixed(1)} px on a rendered face.`);
  }
}

function connect(example) {
  queue = makeQueue(store, ask, { say, said: () => element('status').textContent, complain });
  const stage = makeStage(element('canvas'), store, model);
  const addBox = (box) => queue.addBox(store.photograph, box);
  listen(element('stage'), stage, store, model, { addBox, say });
  makePanel(store, model);
  makeStrip(element('strip'), store, queue.choose);
  connectSources(example);
  connectStage(stage);
  for (const button of document.querySelectorAll('[data-save]')) {
    button.onclick = async () => {
      const file = await makeFile(button.dataset.save, store.photographs, model, store.leastScore);
      download(file);
      say(`Saved: ${file.name}`);
    };
  }
}

function connectSources(example) {
  const input = element('files');
  element('choose').onclick = () => input.click();
  input.onchange = () => {
    take([...input.files]);
    input.value = '';
  };
  element('example').onclick = () => take([new File([example], 'rendered_face.png', { lastModified: 0 })]);
  element('webcam').onclick = toggleWebcam;
  element('keep').onclick = keepFrame;
  element('clear').onclick = () => {
    element('problems').replaceChildren();
    queue.removeAll();
    say('Ready.');
    element('choose').focus();
  };
  const frame = element('frame');
  const mark = (isOver) => frame.classList.toggle('over', isOver);
  document.addEventListener('dragover', (event) => { event.preventDefault(); mark(true); });
  document.addEventListener('dragleave', () => mark(false));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    take([...event.dataTransfer.files]);
  });
}

async function take(files) {
  element('problems').replaceChildren();
  await stopWebcam();
  await queue.add(files);
}

function connectStage(stage) {
  const zooms = {
    in: () => stage.view.scale(1.5), out: () => stage.view.scale(1 / 1.5),
    face: stage.showFace, all: stage.showAll,
  };
  for (const button of document.querySelectorAll('[data-zoom]')) {
    button.onclick = () => { zooms[button.dataset.zoom](); store.changed(); };
  }
  element('draw').onclick = () => {
    Object.assign(store, { isDrawing: !store.isDrawing, box: null });
    if (store.isDrawing) {
      say('Drag over a face from corner to corner; or arrow keys, plus, minus and Enter.');
      element('stage').focus();
    }
    store.changed();
  };
  const work = document.querySelector('.work');
  store.show(() => {
    element('clear').hidden = store.photographs.length === 0;
    work.toggleAttribute('data-empty', store.photographs.length === 0 && !store.live);
    work.toggleAttribute('data-live', Boolean(store.live));
    element('stage').classList.toggle('drawing', Boolean(store.isDrawing));
  });
}

async function toggleWebcam() {
  if (webcam) {
    await stopWebcam();
    say('The webcam is off.');
    return;
  }
  element('problems').replaceChildren();
  try {
    webcam = await startWebcam(store, ask, say);
    element('webcam').setAttribute('aria-pressed', 'true');
    element('webcam').textContent = 'Stop the webcam';
    await webcam.done;
  } catch (error) {
    complain(`Webcam: ${error.message}`);
    await stopWebcam();
  }
}

async function stopWebcam() {
  const running = webcam;
  webcam = null;
  await running?.stop();
  element('webcam').setAttribute('aria-pressed', 'false');
  element('webcam').textContent = 'Use the webcam';
}

/** Make the webcam's newest frame a photograph, whose points can be corrected and saved. */
async function keepFrame() {
  const { picture, faces } = store.live;
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext('2d').drawImage(picture, 0, 0);
  const kept = faces.map(makeFace);
  await stopWebcam();
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
  const number = store.photographs.filter(({ isFrame }) => isFrame).length + 1;
  const name = `webcam_${String(number).padStart(3, '0')}.png`;
  queue.take({ name, blob, faces: kept, state: 'done', note: 'kept from the webcam.', isFrame: true });
}

start().catch((error) => {
  say('');
  complain(`The networks cannot be loaded: ${error.message}`);
});
