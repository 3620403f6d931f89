/** xspress: an image comes as one message of three parts, or as three messages (spec mapreduce.md 7). */

import { headerOf, numberOf } from './json.ts';
import { BAD, frames, PART, type Protocol, type Reading, SKIPPED } from './types.ts';

const TYP = 'xspress';
const IMAGE_PARTS = 3;

export class Xspress implements Protocol {
  /** JSON and array of an image whose counters have not come. */
  #parts: Buffer[] = [];
  #number: number | undefined;

  read(message: readonly Buffer[]): Reading {
    if (this.#parts.length > 0) return this.#more(message);
    const header = headerOf(message[0]);
    switch (header?.htype) {
      case undefined:
        return BAD;
      case 'header':
        return frames({ typ: TYP, frames: message, mark: 'start' });
      case 'series_end':
        return frames({ typ: TYP, frames: message, mark: 'end' });
      case 'image':
        return this.#image(message, numberOf(header?.frame));
      default:
        return SKIPPED;
    }
  }

  forget(): void {
    this.#parts = [];
  }

  #image(message: readonly Buffer[], number: number | undefined): Reading {
    if (message.length >= IMAGE_PARTS) return frames({ typ: TYP, frames: message, mark: 'data', number });
    if (message.length !== 1) return BAD;
    this.#parts = [...message];
    this.#number = number;
    return PART;
  }

  #more(message: readonly Buffer[]): Reading {
    // A lost message would shift all that follow; JSON where an array is due tells.
    const lost = message.length !== 1 || (message[0]![0] === 0x7b && headerOf(message[0])?.htype !== undefined);
    if (lost) {
      this.#parts = [];
      return this.read(message);
    }
    this.#parts.push(message[0]!);
    if (this.#parts.length < IMAGE_PARTS) return PART;
    const parts = this.#parts;
    this.#parts = [];
    return frames({ typ: TYP, frames: parts, mark: 'data', number: this.#number });
  }
}
