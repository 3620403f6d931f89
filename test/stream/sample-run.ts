/** A small run for tests of streams and screens: Configure, BeginRun, events of two detectors, EndRun. */

import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { makeEnv, SERVICE } from '../../lib/xtc/service.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';

export const HSD = namesBlockOf({
  nodeId: 1,
  namesId: 1,
  detType: 'hsd',
  detName: 'hsd',
  segment: 0,
  alg: 'raw',
  version: [1, 2, 3],
  fields: [
    { name: 'energy', type: 'DOUBLE' },
    { name: 'trace', type: 'UINT16', rank: 1 },
  ],
});

export const GMD = namesBlockOf({
  nodeId: 2,
  namesId: 1,
  detType: 'gmd',
  detName: 'gmd',
  segment: 3,
  alg: 'fex',
  version: [0, 1, 0],
  fields: [{ name: 'count', type: 'UINT32' }],
});

const START = 1_000_000_000;
const GROUPS = 0x3;

/** Event `i`; every 10th has damage TimedOut (0x40), and gmd is in every second one only. */
export function eventDgram(i: number, traceLength = 8): Buffer {
  const writer = new DgramWriter();
  const damage = i % 10 === 9 ? 0x40 : 0;
  writer.begin({ sec: START + 2, nsec: i * 1000, env: makeEnv(SERVICE.L1Accept, GROUPS), damage });
  const trace = Uint16Array.from({ length: traceLength }, (_, k) => (i + k) & 0xffff);
  writer.data(HSD, { energy: i / 2, trace });
  if (i % 2 === 0) writer.data(GMD, { count: i });
  return Buffer.from(writer.finish());
}

export function transitionDgram(service: number, sec: number): Buffer {
  const writer = new DgramWriter();
  writer.begin({ sec: START + sec, nsec: 0, env: makeEnv(service, GROUPS) });
  if (service === SERVICE.Configure) {
    writer.names(HSD);
    writer.names(GMD);
  }
  return Buffer.from(writer.finish());
}

/** The dgrams of a whole run, one by one. */
export function sampleRun(events: number, traceLength = 8): Buffer[] {
  return [
    transitionDgram(SERVICE.Configure, 0),
    transitionDgram(SERVICE.BeginRun, 1),
    ...Array.from({ length: events }, (_, i) => eventDgram(i, traceLength)),
    transitionDgram(SERVICE.EndRun, 3),
  ];
}
