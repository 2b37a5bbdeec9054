// Photographs as pixels, upright.

/** Decode a file: its picture, turned as its EXIF says, in the colours that it stores. */
export async function readPicture(blob) {
  return createImageBitmap(blob, { imageOrientation: 'from-image', colorSpaceConversion: 'none' });
}

/** The RGBA pixels of a picture or of a video's frame. */
export function pixelsOf(picture, width = picture.width, height = picture.height) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { data, width, height };
}
