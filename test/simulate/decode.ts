/** Simulated dgrams as plain values, through the library's own reader and checker. */

import { Checker } from '../../lib/xtc/checker.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import type { Finding } from '../../lib/xtc/finding.ts';
import { CODE } from '../../lib/xtc/layout.ts';
import { serviceName } from '../../lib/xtc/service.ts';
import type { ShapesData } from '../../lib/xtc/shapes-data.ts';
import { Walker } from '../../lib/xtc/walk.ts';

export interface Decoded {
  service: string;
  sec: number;
  nsec: number;
  env: number;
  src: number;
  damage: number;
  groups: number;
  size: number;
  /** `DET_SEGMENT.ALG.FIELD` to its value; arrays as their stored bytes. */
  fields: Record<string, number | bigint | string | Buffer>;
  shapes: Record<string, number[]>;
  /** Damage of blocks and of their Data, by `DET_SEGMENT.ALG`, where there is any. */
  blockDamage: Record<string, number>;
  dataDamage: Record<string, number>;
  /** Nested Parents: src and damage. */
  contributors: { src: number; damage: number }[];
}

/** Reads a whole stream. @returns its dgrams and everything the checker has to say */
export function decode(dgrams: Iterable<Buffer>): { dgrams: Decoded[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const walker = new Walker({ corrupted: true });
  const checker = new Checker(walker, (finding) => findings.push(finding));
  const decoded: Decoded[] = [];
  let offset = 0;
  for (const bytes of dgrams) {
    const dgram = new Dgram(bytes);
    dgram.offset = offset;
    dgram.index = decoded.length;
    offset += bytes.length;
    decoded.push(decodeOne(dgram, checker));
  }
  return { dgrams: decoded, findings };
}

function decodeOne(dgram: Dgram, checker: Checker): Decoded {
  const one: Decoded = {
    service: serviceName(dgram.service),
    sec: dgram.sec,
    nsec: dgram.nsec,
    env: dgram.env,
    src: dgram.src,
    damage: dgram.damage,
    groups: dgram.groups,
    size: 12 + dgram.extent,
    fields: {},
    shapes: {},
    blockDamage: {},
    dataDamage: {},
    contributors: [],
  };
  checker.check(dgram, {
    visitor: {
      parent: (start) =>
        void one.contributors.push({
          src: dgram.view.getUint32(start, true),
          damage: dgram.view.getUint16(start + 4, true),
        }),
      data: (block) => take(block, one),
    },
  });
  return one;
}

function take(block: ShapesData, one: Decoded): void {
  const key = `${block.names.detName}_${block.names.segment}.${block.names.alg}`;
  if (block.damage !== 0) one.blockDamage[key] = block.damage;
  if (block.dataDamage !== 0) one.dataDamage[key] = block.dataDamage;
  for (let i = 0; i < block.count; i++) {
    const { name, type, rank } = block.names.fields[i]!;
    const wide = type === CODE.UINT64 || type === CODE.INT64;
    if (rank > 0) one.shapes[`${key}.${name}`] = block.shape(i);
    one.fields[`${key}.${name}`] =
      type === CODE.CHARSTR
        ? block.string(i)
        : rank > 0
          ? Buffer.from(block.fieldBytes(i))
          : wide
            ? block.bigint(i)
            : block.number(i);
  }
}
