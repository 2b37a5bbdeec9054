// The thread that computes: it holds the networks, and answers one message after the other.

import { mapBox } from './boxes.js';
import { cutCrop, mapBack, planCrop } from './crops.js';
import { detectFaces } from './detector.js';
import { fetchBytes, loadEngine, possibleEngines } from './runtime.js';

const FARTHEST = 0.5; // px of the photograph from Python's points
const NAMES = { webgpu: 'WebGPU', wasm: 'WebAssembly' };
let model;
let example;
let networks;

/** Load the networks by the first engine that gives Python's points for a face of the site. */
async function start({ facts, example: photograph, engine: wanted }) {
  model = facts;
  example = photograph;
  return load(await possibleEngines(wanted));
}

async function load({ engines, refused }) {
  const files = [model.files.detector, model.files.model].map((name) => name && fetchBytes(name));
  const [detectorBytes, modelBytes] = await Promise.all(files);
  for (const engine of engines) {
    try {
      const runtime = await loadEngine(engine);
      networks = {
        engine,
        detector: detectorBytes && detectorRunner(runtime, await runtime.open(detectorBytes)),
        model: modelRunner(runtime, await runtime.open(modelBytes)),
      };
      const largest = await distanceFromPython();
      const told = { engine, threads: runtime.threads, largest, refused };
      if (largest <= FARTHEST || engine === engines.at(-1)) return told;
      refused.push(`${NAMES[engine]} differs from Python by ${largest.toFixed(2)} px`);
    } catch (error) {
      refused.push(sayFailed(engine, error));
    }
  }
  throw new Error(refused.join('; '));
}

/** Say what the browser says, without the places in onnxruntime's code. */
function sayFailed(engine, error) {
  const said = String(error.message ?? '').split(/message: /i).at(-1).trim();
  return `${NAMES[engine]} failed${said && `: ${said}`}`;
}

/** The largest distance from Python's points, and from its box, in the site's photograph; px. */
async function distanceFromPython() {
  const { box, points, detected } = model.check;
  const found = await findPoints(example, box);
  const largest = Math.max(...found.points.map(
    ([x, y], place) => Math.hypot(x - points[place][0], y - points[place][1]),
  ));
  // Only a GPU may be wrong at one network and right at the other.
  if (!detected || networks.engine === 'wasm' || !(largest <= FARTHEST)) return largest;
  const [face] = await detectFaces(networks.detector, example);
  if (!face) throw new Error('the detector finds no face where Python does');
  return Math.max(largest, ...face.box.map((side, place) => Math.abs(side - detected[place])));
}

function modelRunner({ ort }, session) {
  const [width, height] = model.input_size;
  return async (crop) => {
    const bytes = new Uint8Array(crop.buffer);
    const crops = new ort.Tensor('uint8', bytes, [1, height, width, 3]);
    const { points, scores, errors } = await session.run({ crops });
    return { points: points.data, scores: scores.data, errors: errors?.data };
  };
}

function detectorRunner({ ort }, session) {
  const [name] = session.inputNames;
  const [offsets, scores] = session.outputNames;
  return async ({ values, width, height }) => {
    const input = new ort.Tensor('float32', values, [1, 3, height, width]);
    const outputs = await session.run({ [name]: input });
    return { offsets: outputs[offsets].data, scores: outputs[scores].data };
  };
}

async function findPoints(photograph, box) {
  const plan = planCrop(box, model);
  const found = await networks.model(cutCrop(photograph, plan, model.input_size));
  const points = Array.from(found.scores, (_, place) => [...found.points.slice(2 * place, 2 * place + 2)]);
  const errors = found.errors && [...found.errors]; // percent of the box
  return { points: mapBack(points, plan, model.input_size), scores: [...found.scores], errors };
}

/** Find the points of a photograph's faces; if the GPU fails, WebAssembly takes over. */
async function find(task, tell) {
  try {
    return await findFaces(task, tell);
  } catch (error) {
    if (networks.engine !== 'webgpu') throw error;
    const refused = [sayFailed('webgpu', error)];
    self.postMessage({ engine: await load({ engines: ['wasm'], refused }) });
    return findFaces(task, tell);
  }
}

/** Find the points of faces, in the boxes that are given or that are detected. */
async function findFaces({ photograph, boxes, detection }, tell) {
  const began = performance.now();
  const known = boxes ?? (await detect(photograph, detection));
  const detected = performance.now();
  const faces = [];
  for (const { box, score } of known) {
    faces.push({ box, boxScore: score, ...(await findPoints(photograph, box)) });
    tell({ done: faces.length, all: known.length });
  }
  return { faces, ms: { detector: detected - began, model: performance.now() - detected } };
}

async function detect(photograph, options) {
  if (!networks.detector) return [];
  const found = await detectFaces(networks.detector, photograph, options);
  return found.map(({ box, score }) => ({ box: mapBox(box, model.box_map), score }));
}

const TASKS = { start, find };

let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(() => answer(data));
};

async function answer({ id, task, ...rest }) {
  const tell = (progress) => self.postMessage({ id, progress });
  try {
    self.postMessage({ id, result: await TASKS[task](rest, tell) });
  } catch (error) {
    self.postMessage({ id, error: String(error.message ?? error) });
  }
}
