/** pcap-raw: lines of text from a position capture unit (spec mapreduce.md 7). A message is one line, with its end. */

import { BAD, frames, PART, type Protocol, type Reading, SKIPPED } from './types.ts';

const TYP = 'PCAP_RAW';
const FIRST = 'arm_time: ';
const LAST = 'END';
/** What is sent to begin, and the answer. */
export const GREETING = '\n';
export const ANSWER = 'OK\n';
/** Lines of a header; a sender that never ends it is none. */
const MOST_HEADER_LINES = 10_000;

export class PcapRaw implements Protocol {
  #header: Buffer[] | undefined;
  #open = false;

  read([line]: readonly Buffer[]): Reading {
    if (line === undefined) return BAD;
    if (this.#header) return this.#headerLine(this.#header, line);
    if (begins(line, FIRST)) {
      this.#header = [line];
      return PART;
    }
    if (!this.#open) return SKIPPED;
    const ended = begins(line, LAST);
    if (ended) this.#open = false;
    return frames({ typ: TYP, frames: [line], mark: ended ? 'end' : 'data' });
  }

  forget(): void {
    this.#header = undefined;
    this.#open = false;
  }

  #headerLine(header: Buffer[], line: Buffer): Reading {
    header.push(line);
    if (line.toString('latin1').trim() !== '') {
      if (header.length <= MOST_HEADER_LINES) return PART;
      this.#header = undefined;
      return BAD;
    }
    this.#header = undefined;
    this.#open = true;
    return frames({ typ: TYP, frames: [Buffer.concat(header)], mark: 'start' });
  }
}

function begins(line: Buffer, text: string): boolean {
  return line.toString('latin1', 0, text.length) === text;
}
