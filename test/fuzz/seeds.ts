/** Small sound files, made by our own writer, that hold every construct of the format; a mutant of a small file costs little. */

import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { FIELD_TYPES, type FieldTypeName } from '../../lib/xtc/layout.ts';
import type { NamesBlock } from '../../lib/xtc/names.ts';
import { makeEnv, SERVICE } from '../../lib/xtc/service.ts';
import { DgramWriter, type FieldValue } from '../../lib/xtc/writer.ts';

const SCALARS: FieldTypeName[] = FIELD_TYPES.filter((type) => type !== 'CHARSTR');

const everyType = namesBlockOf({
  nodeId: 1,
  namesId: 0,
  detType: 'sim',
  detName: 'all',
  detId: 'serial 1',
  segment: 0,
  alg: 'raw',
  version: [1, 2, 3],
  fields: [
    ...SCALARS.map((type) => ({ name: type.startsWith('ENUM') ? `${type}:Gain` : type, type })),
    { name: 'text', type: 'CHARSTR' as const },
    ...[1, 2, 3, 4].map((rank) => ({ name: `array${rank}`, type: 'UINT16' as const, rank })),
  ],
});

const modes = namesBlockOf({
  nodeId: 1,
  namesId: 1,
  detType: 'sim',
  detName: 'all',
  segment: 0,
  alg: 'config',
  version: [0, 0, 1],
  fields: [
    { name: 'High:Gain', type: 'ENUMDICT' },
    { name: 'Low:Gain', type: 'ENUMDICT' },
    { name: 'mode:Gain', type: 'ENUMVAL' },
  ],
});

const chunk = namesBlockOf({
  nodeId: 1,
  namesId: 252,
  detType: 'chunkinfo',
  detName: 'chunkinfo',
  segment: 0,
  alg: 'chunkinfo',
  version: [0, 0, 1],
  fields: [
    { name: 'filename', type: 'CHARSTR' },
    { name: 'chunkid', type: 'UINT32' },
  ],
});

function exampleValues(names: NamesBlock): FieldValue[] {
  return names.fields.map((field): FieldValue => {
    if (field.name === 'text' || field.name === 'filename') return 'abc';
    if (field.rank === 0) return field.index;
    const shape = Array.from({ length: field.rank }, (_, i) => i + 1);
    return { shape, data: new Uint16Array(shape.reduce((product, dim) => product * dim, 1)).fill(7) };
  });
}

/** Flat, event-built, and Data-before-Shapes streams of about ten dgrams each. */
export function writtenSeeds(): Buffer[] {
  return [stream(false, false), stream(true, false), stream(false, true)];
}

function stream(nested: boolean, dataFirst: boolean): Buffer {
  const writer = new DgramWriter();
  const dgrams: Buffer[] = [];
  const services = [
    SERVICE.Configure,
    SERVICE.BeginRun,
    SERVICE.BeginStep,
    SERVICE.Enable,
    SERVICE.L1Accept,
    SERVICE.SlowUpdate,
  ];
  for (const [nsec, service] of [
    ...services,
    SERVICE.L1Accept,
    SERVICE.Disable,
    SERVICE.EndStep,
    SERVICE.EndRun,
  ].entries()) {
    writer.begin({ sec: 1000, nsec, env: makeEnv(service, 1), src: nested ? 1 << 28 : 1 });
    if (nested) writer.beginParent(1, nsec === 6 ? 0x20 : 0);
    if (service === SERVICE.Configure) for (const names of [everyType, modes, chunk]) writer.names(names);
    const layout = { dataFirst, shapes: true, surplus: dataFirst ? 4 : 0 };
    if (service === SERVICE.Configure) writer.data(modes, exampleValues(modes));
    if (service === SERVICE.Enable) writer.data(chunk, exampleValues(chunk));
    if (service === SERVICE.L1Accept) writer.data(everyType, exampleValues(everyType), 0, layout);
    if (nested) {
      writer.endParent();
      writer.beginParent(2);
      if (service === SERVICE.L1Accept) writer.data(modes, exampleValues(modes), 0x1000);
      writer.endParent();
    }
    dgrams.push(Buffer.from(writer.finish()));
  }
  return Buffer.concat(dgrams);
}
