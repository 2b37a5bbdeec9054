// The webcam: its frames, one after the other, as fast as the networks are.

import { pixelsOf } from './pixels.js';
import { makeTracker } from './tracker.js';

const TELLING = 5; // s
const DETECTION = { longestSide: 320 }; // faces before a webcam are large

/** Show the webcam until `stop()`; `say(text)` is told of the rate. */
export async function startWebcam(store, ask, say) {
  if (!navigator.mediaDevices) throw new Error('webcams need https, or localhost');
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const video = Object.assign(document.createElement('video'), {
    srcObject: media, muted: true, playsInline: true,
  });
  await video.play();
  const tracker = makeTracker();
  let isOn = true;
  let rate = 0;
  let told = { count: -1, time: 0 };

  async function step() {
    const picture = await createImageBitmap(video);
    const time = performance.now() / 1000;
    const detects = tracker.isDue;
    const boxes = detects ? undefined : tracker.boxes;
    const { faces } = await ask('find', { photograph: pixelsOf(picture), boxes, detection: DETECTION });
    if (!isOn) return;
    const followed = tracker.update(faces, detects, time, store.smooths);
    store.live?.picture.close();
    const corrected = new Set();
    store.live = { picture, faces: followed.map((face) => ({ ...face, corrected })) };
    const seconds = performance.now() / 1000 - time;
    rate = rate ? rate + 0.2 * (1 / seconds - rate) : 1 / seconds;
    tell(followed.length, time);
    store.changed();
  }

  /** Say what is seen: not at each frame, which would never end where it is read aloud. */
  function tell(count, time) {
    if (count === told.count && time - told.time < TELLING) return;
    told = { count, time };
    say(`${count} ${count === 1 ? 'face' : 'faces'}, ${rate.toFixed(1)} frames a second`);
  }

  async function run() {
    while (isOn) {
      await step();
      await new Promise(requestAnimationFrame);
    }
  }

  const done = run();
  return {
    done,
    async stop() {
      isOn = false;
      for (const track of media.getTracks()) track.stop();
      await done.catch(() => {});
      store.live = null;
      store.changed();
    },
  };
}
