// Faces of a webcam from frame to frame: boxes from their points, a detector now and then.

import { followPoints, iou, sideOf } from './boxes.js';
import { makeOneEuro } from './smoothing.js';

const EVERY = 10; // frames from one use of the detector to the next
const SAME_FACE = 0.3; // overlap of a detection and a face that is followed
const WEAK = 0.6; // of its usual score: the detector is asked at the next frame

export function makeTracker() {
  let tracks = []; // {id, box, anchor, usual, smooth}
  let since = EVERY;
  let lastId = 0;

  return {
    get isDue() {
      return since >= EVERY || tracks.length === 0;
    },

    /** Boxes to look into: where faces were, until the detector tells better. */
    get boxes() {
      return tracks.map(({ box, score }) => ({ box, score }));
    },

    /** Take in the faces of a frame; `detected` if its boxes are the detector's. */
    update(faces, detected, time, smooths) {
      since = detected ? 1 : since + 1;
      tracks = faces.map((face, place) => {
        const track = detected ? take(tracks, face.box) : tracks[place];
        return follow(track ?? { id: (lastId += 1), smooth: makeOneEuro() }, face, detected);
      });
      return faces.map((face, place) => {
        const points = tracks[place].smooth(face.points, time, sideOf(face.box));
        return { ...face, id: tracks[place].id, points: smooths ? points : face.points };
      });
    },
  };

  function follow(track, { box, boxScore, points, scores }, detected) {
    const mean = scores.reduce((sum, each) => sum + each, 0) / scores.length;
    const anchor = detected ? { box, points } : track.anchor;
    const usual = track.usual === undefined ? mean : track.usual + 0.3 * (mean - track.usual);
    if (mean < WEAK * usual) since = EVERY;
    return {
      ...track, anchor, usual, score: boxScore, box: followPoints(anchor.box, anchor.points, points),
    };
  }
}

/** Take the track that lies on a box out of those that are left. */
function take(tracks, box) {
  const overlaps = tracks.map((track) => (track.taken ? 0 : iou(track.box, box)));
  const best = Math.max(0, ...overlaps);
  if (best < SAME_FACE) return undefined;
  const track = tracks[overlaps.indexOf(best)];
  track.taken = true;
  return { ...track, taken: false };
}
