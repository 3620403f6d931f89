/**
 * What the trigger decided, inside the data (spec teb.md, section 7.4): the timing detector's Configure describes detector
 * `triginfo`, and each of its L1Accepts gets a ShapesData with the result data. Readers then know why an event is there.
 */

import { namesBlockOf } from '../../xtc/describe.ts';
import type { Dgram } from '../../xtc/dgram.ts';
import { childrenOf, editDgram } from '../../xtc/editor.ts';
import { MAX_NODE_ID } from '../../xtc/layout.ts';
import type { NamesBlock } from '../../xtc/names.ts';
import { Walker } from '../../xtc/walk.ts';
import { DgramWriter } from '../../xtc/writer.ts';

/** What is said of one event. */
export interface TrigInfo {
  /** Result data, all 32 bits. */
  data: number;
  /** MEB that got the event, 255 for none. */
  meb: number;
  /** Sources 0..31 and 32..63 that were not built in, bit by source number. */
  missingLow: number;
  missingHigh: number;
  /** Flags of the extended result (section 1.6). */
  flags: number;
}

/** The fourth names index after the detector's base, as in the existing system (section 7.4). */
const NAMES_INDEX = 3;

/** Room for this many blocks before memory is taken anew; blocks in use by an output are never written again. */
const BLOCKS_AT_ONCE = 1024;

export class TrigInfoWriter {
  /** Bytes that an L1Accept grows by; 0 before a Configure. */
  size = 0;
  private readonly extended: boolean;
  private readonly writer = new DgramWriter();
  private template: Buffer = Buffer.alloc(0);
  private fields: readonly number[] = [];
  private arena: Buffer = Buffer.alloc(0);
  private used = 0;

  /** @param extended adds the block of version 0.1.0 */
  constructor(extended: boolean) {
    this.extended = extended;
  }

  /** A copy of a Configure that describes `triginfo` as well. @throws DataError `names-id` if no NamesId is free */
  configure(dgram: Dgram): Buffer {
    const taken = new Set<number>();
    const walker = new Walker({ corrupted: true });
    walker.walk(dgram, { names: ({ id }) => taken.add(id) });
    const blocks = describe(dgram.src & MAX_NODE_ID, this.extended, taken);
    this.prepare(blocks);
    this.writer.begin({ sec: dgram.sec, nsec: dgram.nsec, env: dgram.env });
    for (const block of blocks) this.writer.names(block);
    return editDgram(dgram, { append: [childrenOf(this.writer.finish())] });
  }

  /** The ShapesData of one event; its memory is not used again. */
  block(info: TrigInfo): Buffer {
    if (this.used + this.size > this.arena.length) {
      this.arena = Buffer.allocUnsafeSlow(this.size * BLOCKS_AT_ONCE);
      this.used = 0;
    }
    const block = this.arena.subarray(this.used, this.used + this.size);
    this.used += this.size;
    this.template.copy(block);
    const [data, extended] = this.fields;
    block.writeUInt32LE(info.data >>> 0, data!);
    if (extended !== undefined) {
      block.writeUInt32LE(info.data >>> 0, extended);
      block.writeUInt8(info.meb, extended + 4);
      block.writeInt32LE(info.missingLow | 0, extended + 5);
      block.writeInt32LE(info.missingHigh | 0, extended + 9);
      block.writeUInt8(info.flags, extended + 13);
    }
    return block;
  }

  /** Encodes the blocks once; events only change the values. */
  private prepare(blocks: readonly NamesBlock[]): void {
    const { writer } = this;
    writer.begin({ sec: 0, nsec: 0, env: 0 });
    const start = writer.size;
    this.fields = blocks.map((block) => {
      writer.data(block, { data: 0, meb: 0, missing: 0, flags: 0 });
      const bytes = block.fields.reduce((sum, { elementSize }) => sum + elementSize, 0);
      return writer.size - start - bytes;
    });
    this.template = Buffer.from(childrenOf(writer.finish()));
    this.size = this.template.length;
    this.arena = Buffer.alloc(0);
    this.used = 0;
  }
}

function describe(nodeId: number, extended: boolean, taken: ReadonlySet<number>): NamesBlock[] {
  let namesId = NAMES_INDEX;
  const free = () => {
    while (taken.has((nodeId << 8) | namesId)) namesId++;
    return namesId++;
  };
  const common = { nodeId, detType: 'triginfo', detName: 'triginfo', segment: 0, alg: 'triginfo' };
  const data = { name: 'data', type: 'UINT32' } as const;
  const blocks = [namesBlockOf({ ...common, namesId: free(), version: [0, 0, 1], fields: [data] })];
  if (extended) {
    const more = [
      data,
      { name: 'meb', type: 'UINT8' },
      { name: 'missing', type: 'UINT64' },
      { name: 'flags', type: 'UINT8' },
    ] as const;
    blocks.push(namesBlockOf({ ...common, namesId: free(), version: [0, 1, 0], fields: more }));
  }
  return blocks;
}
