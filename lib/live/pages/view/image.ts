/** Images: bytes through a table of colours. */

import { interpolateGreys, interpolateInferno, interpolateViridis } from 'd3-scale-chromatic';
import type { ImageFrame } from '../../view/messages.ts';
import { numberText, type Picture } from './picture.ts';
import { bytesOf } from './unpack.ts';

/** Perceptually even ones; grey from dark to bright. */
const MAPS: Readonly<Record<string, (part: number) => string>> = {
  viridis: interpolateViridis,
  inferno: interpolateInferno,
  grey: (part) => interpolateGreys(1 - part),
};
export const COLOUR_MAPS = Object.keys(MAPS);

const LEVELS = 255;
const NO_NUMBER = 255;

/** Four bytes per level. What is no number is transparent. */
function tableOf(name: string): Uint8ClampedArray<ArrayBuffer> {
  const table = new Uint8ClampedArray(256 * 4);
  // A canvas knows every notation of a colour.
  const canvas = document.createElement('canvas');
  canvas.width = LEVELS;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return table;
  for (let level = 0; level < LEVELS; level++) {
    context.fillStyle = (MAPS[name] ?? interpolateViridis)(level / (LEVELS - 1));
    context.fillRect(level, 0, 1, 1);
  }
  table.set(context.getImageData(0, 0, LEVELS, 1).data);
  table.fill(0, NO_NUMBER * 4);
  return table;
}

function paint(
  canvas: HTMLCanvasElement,
  pixels: Uint8Array,
  width: number,
  height: number,
  table: Uint8ClampedArray,
): void {
  const context = canvas.getContext('2d');
  if (context === null || width === 0 || height === 0) return;
  canvas.width = width;
  canvas.height = height;
  const image = context.createImageData(width, height);
  for (let i = 0; i < pixels.length; i++) {
    const level = (pixels[i] ?? NO_NUMBER) * 4;
    image.data.set(table.subarray(level, level + 4), i * 4);
  }
  context.putImageData(image, 0, 0);
}

/** @param colours name of the map, asked for at every frame */
export function imagePicture(place: HTMLElement, colours: () => string): Picture<ImageFrame> {
  const canvas = document.createElement('canvas');
  canvas.className = 'image';
  const scale = document.createElement('div');
  scale.className = 'scale';
  const [from, bar, to] = [
    document.createElement('span'),
    document.createElement('canvas'),
    document.createElement('span'),
  ];
  scale.append(from, bar, to);
  place.append(canvas, scale);
  const levels = Uint8Array.from({ length: LEVELS }, (_, level) => level);
  let name = '';
  let table = new Uint8ClampedArray();
  return {
    show(frame) {
      if (colours() !== name) {
        name = colours();
        table = tableOf(name);
        paint(bar, levels, LEVELS, 1, table);
      }
      paint(canvas, bytesOf(frame.pixels), frame.width, frame.height, table);
      from.textContent = numberText(frame.from);
      to.textContent = numberText(frame.to);
    },
    words: ({ shape, block }) => `${shape.join(' x ')}${block > 1 ? `, means of ${block} x ${block}` : ''}`,
    close: () => place.replaceChildren(),
  };
}
