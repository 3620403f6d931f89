/** Small-data files: an index of a big-data file, itself XTC2 (spec xtc2.md, section 13). */

import { DataError } from '../errors.ts';
import { namesBlockOf, namesPayloadSize } from './describe.ts';
import type { Dgram } from './dgram.ts';
import { DGRAM, XTC } from './layout.ts';
import type { NamesBlock } from './names.ts';
import { SERVICE } from './service.ts';
import { type Visitor, Walker } from './walk.ts';
import { DgramWriter } from './writer.ts';

/** The description that every smd Configure carries: NamesId 0x20000, offset and size of L1Accepts. */
export const SMD_NAMES: NamesBlock = namesBlockOf({
  nodeId: 0x200,
  namesId: 0,
  detType: 'offset',
  detName: 'smdinfo',
  segment: 0,
  alg: 'offsetAlg',
  version: [0, 0, 0],
  fields: [
    { name: 'intOffset', type: 'UINT64' },
    { name: 'intDgramSize', type: 'UINT64' },
  ],
});

export const SMD_NAMES_EXTENT = XTC.size + namesPayloadSize(SMD_NAMES.fields.length);

/** Turns the dgrams of a big-data stream into those of its smd stream, one by one. */
export class SmdConverter {
  private readonly writer = new DgramWriter();
  private readonly values = new Map<string, bigint>();
  private clash = false;
  private readonly findClash: Visitor = {
    names: (names) => {
      this.clash ||= names.id === SMD_NAMES.id;
    },
  };

  /**
   * The smd dgram for the next big-data dgram.
   * @param offset position of the dgram in the big-data file; default where it was read
   * @returns bytes that are valid until the next call, or a view of the dgram itself
   * @throws DataError `smd-names` if NamesId 0x20000 is taken
   */
  convert(dgram: Dgram, offset = dgram.offset): Buffer {
    switch (dgram.service) {
      case SERVICE.Configure:
        return this.configure(dgram);
      case SERVICE.L1Accept:
        return this.event(dgram, offset);
      case SERVICE.EndRun:
        return this.headerOnly(dgram);
      default:
        return dgram.slice();
    }
  }

  private configure(dgram: Dgram): Buffer {
    this.clash = false;
    new Walker({ corrupted: true }).walk(dgram, this.findClash);
    if (this.clash) {
      throw new DataError('smd-names', 'NamesId 0x20000 is in use: this is an smd file already', {
        place: { dgram: dgram.index, offset: dgram.offset },
      });
    }
    this.begin(dgram, dgram.src, dgram.damage);
    this.writer.raw(dgram.bytes.subarray(dgram.payloadStart, dgram.end));
    this.writer.names(SMD_NAMES);
    const bytes = this.writer.finish();
    // Copied byte for byte, version bits of the root type included.
    dgram.bytes.copy(bytes, DGRAM.typeId, dgram.start + DGRAM.typeId, dgram.start + DGRAM.extent);
    return bytes;
  }

  private event(dgram: Dgram, offset: number): Buffer {
    this.begin(dgram, 0, 0);
    this.values.set('intOffset', BigInt(offset)).set('intDgramSize', BigInt(dgram.size));
    this.writer.data(SMD_NAMES, this.values);
    return this.writer.finish();
  }

  private headerOnly(dgram: Dgram): Buffer {
    const header = Buffer.from(dgram.bytes.subarray(dgram.start, dgram.start + DGRAM.size));
    header.writeUInt32LE(XTC.size, DGRAM.extent);
    return header;
  }

  private begin(dgram: Dgram, src: number, damage: number): void {
    this.writer.begin({ sec: dgram.sec, nsec: dgram.nsec, env: dgram.env, src, damage });
  }
}
