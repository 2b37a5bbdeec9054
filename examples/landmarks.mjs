// Find the points of a face: node landmarks.mjs MODEL.onnx MODEL.json PHOTO X1 Y1 X2 Y2
// The model is one for photographs, and the JSON what `mmpose-lite info MODEL.onnx --json` prints.

import { readFileSync } from 'node:fs'
import ort from 'onnxruntime-node'
import sharp from 'sharp'

const [file, description, photo, ...corners] = process.argv.slice(2)
const { points: names } = JSON.parse(readFileSync(description, 'utf8'))
const session = await ort.InferenceSession.create(file)
const upright = sharp(photo).rotate().removeAlpha().toColourspace('srgb')
const { data, info } = await upright.raw().toBuffer({ resolveWithObject: true })
for (let i = 0; i < data.length; i += 3) [data[i], data[i + 2]] = [data[i + 2], data[i]] // to BGR
const image = new ort.Tensor('uint8', data, [info.height, info.width, 3])
const boxes = new ort.Tensor('float32', Float32Array.from(corners, Number), [1, 4])
const { points, scores } = await session.run({ image, boxes })
names.forEach((name, i) => {
  const [x, y] = points.data.subarray(2 * i, 2 * i + 2)
  console.log(`${name} ${x.toFixed(2)} ${y.toFixed(2)} ${scores.data[i].toFixed(3)}`)
})
