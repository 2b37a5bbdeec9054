// The thread that computes: it holds the networks, and answers one message after the other.

import { mapBox } from './boxes.js';
import { cutCrop, mapBack, planCrop } from './crops.js';
import { detectFaces } from './detector.js';
import { fetchBytes, loadEngine, possibleEngines } from './runtime.js';

const FARTHEST = 0.5; // px of the photograph from Python's points
let model;
let networks;

/** Load the networks by the first engine that gives Python's points for a face of the site. */
async function start({ facts, example, engine: wanted }) {
  model = facts;
  const files = [facts.files.model, facts.files.detector].map((name) => name && fetchBytes(name));
  const [modelBytes, detectorBytes] = await Promise.all(files);
  const engines = await possibleEngines(wanted);
  const refused = [];
  for (const engine of engines) {
    try {
      const runtime = await loadEngine(engine);
      networks = {
        model: modelRunner(runtime, await runtime.open(modelBytes)),
        detector: detectorBytes && detectorRunner(runtime, await runtime.open(detectorBytes)),
      };
      const largest = await distanceFromPython(example);
      const told = { engine, threads: runtime.threads, largest, refused };
      if (largest <= FARTHEST || engine === engines.at(-1)) return told;
      refused.push(`${engine}: ${largest.toFixed(2)} px from Python's points`);
    } catch (error) {
      refused.push(`${engine}: ${error.message}`);
    }
  }
  throw new Error(refused.join('; '));
}

/** The largest distance of a point from Python's, in the photograph of the site; px. */
async function distanceFromPython(example) {
  const { box, points } = model.check;
  const found = await findPoints(example, box);
  return Math.max(...found.points.map(
    ([x, y], place) => Math.hypot(x - points[place][0], y - points[place][1]),
  ));
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

/** Find the points of a photograph's faces, in the boxes that are given or that are detected. */
async function find({ photograph, boxes, detection }, tell) {
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

self.onmessage = async ({ data: { id, task, ...rest } }) => {
  const tell = (progress) => self.postMessage({ id, progress });
  try {
    self.postMessage({ id, result: await TASKS[task](rest, tell) });
  } catch (error) {
    self.postMessage({ id, error: String(error.message ?? error) });
  }
};
