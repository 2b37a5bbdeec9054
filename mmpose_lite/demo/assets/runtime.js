// onnxruntime-web: which build runs here, and the sessions of its files.

const BUILDS = {
  webgpu: {
    script: 'ort.webgpu.min.mjs',
    wasm: 'ort-wasm-simd-threaded.asyncify',
    // In the other layout, convolutions of 6, 9, 15, 18, ... channels are wrong (onnxruntime#29651).
    provider: { name: 'webgpu', preferredLayout: 'NCHW' },
  },
  wasm: { script: 'ort.wasm.min.mjs', wasm: 'ort-wasm-simd-threaded', provider: 'wasm' },
};
const MOST_THREADS = 8;

/** The engines to try, the fastest first, and why another one is not tried. */
export async function possibleEngines(wanted) {
  if (wanted === 'webgpu') return { engines: ['webgpu', 'wasm'], refused: [] };
  if (wanted) return { engines: ['wasm'], refused: [] };
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return { engines: ['wasm'], refused: ['this browser offers no WebGPU'] };
  if (!adapter.info?.isFallbackAdapter) return { engines: ['webgpu', 'wasm'], refused: [] };
  return { engines: ['wasm'], refused: ['WebGPU without a GPU is slower'] };
}

/** Load a build; returns what makes a session of a file's bytes, and the number of threads. */
export async function loadEngine(engine) {
  const build = BUILDS[engine];
  const place = (name) => new URL(`./ort/${name}`, import.meta.url).href;
  const [ort, wasmBinary] = await Promise.all([
    import(place(build.script)), fetchBytes(place(`${build.wasm}.wasm.gz`)),
  ]);
  // Several threads share memory, which browsers allow to pages that isolate themselves alone.
  const threads = self.crossOriginIsolated
    ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
  Object.assign(ort.env.wasm, {
    wasmPaths: { mjs: place(`${build.wasm}.mjs`) }, wasmBinary, numThreads: threads,
  });
  ort.env.logLevel = 'error';
  const options = { executionProviders: [build.provider], logSeverityLevel: 3 };
  return { ort, threads, open: (bytes) => ort.InferenceSession.create(bytes, { ...options }) };
}

/** Fetch a file of the site; one that is gzipped, and that no server has unpacked, is unpacked. */
export async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
