// The page's side of the thread that computes.

/**
 * Start the thread; `ask(task, what, tell)` gives a promise of the answer. `changed(facts)` is
 * called when the thread goes on with another engine.
 */
export function startEngine(changed) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, result, error, progress, engine } }) => {
    if (engine) {
      changed(engine);
      return;
    }
    const { resolve, reject, tell } = waiting.get(id);
    if (progress) {
      tell?.(progress);
      return;
    }
    waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  };
  worker.onerror = (event) => {
    const problem = new Error(event.message || 'the thread that computes cannot be started');
    for (const { reject } of waiting.values()) reject(problem);
    waiting.clear();
  };
  return function ask(task, what, tell) {
    last += 1;
    const id = last;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, tell });
      worker.postMessage({ id, task, ...what });
    });
  };
}
