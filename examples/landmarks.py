"""Find the points of a face: python landmarks.py MODEL.onnx PHOTO X1 Y1 X2 Y2 [DRAWING]."""

import json
import sys

import cv2
import numpy as np
import onnxruntime

file, photo, *corners = sys.argv[1:7]
session = onnxruntime.InferenceSession(file)
meta = json.loads(session.get_modelmeta().custom_metadata_map['mmpose_lite'])
image, box, size = cv2.imread(photo), np.array(corners, float), np.array(meta['input_size'])
sides = (box[2:] - box[:2]) * meta['padding']
sides = (sides / size).max() * size  # the shorter side grows until the box has the crop's form
corner = (box[:2] + box[2:] - sides) / 2
step = sides / (size - meta['use_udp'])  # photograph pixels per crop pixel
to_photo = np.array([[step[0], 0, corner[0]], [0, step[1], corner[1]]])
flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
crop = cv2.warpAffine(image, to_photo, meta['input_size'], flags=flags)
points, scores, *_ = (each[0] for each in session.run(None, {'crops': crop[None]}))
points = points / size * sides + corner
for name, point, score in zip(meta['points'], points, scores, strict=True):
    print(f'{name} {point[0]:.2f} {point[1]:.2f} {score:.3f}')
    cv2.circle(image, np.round(point).astype(int).tolist(), 2, (0, 255, 0), -1)
if len(sys.argv) > 7:
    cv2.imwrite(sys.argv[7], image)
