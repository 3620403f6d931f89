/** Streams for tests of drp-python, made by our own writer: one detector with an image, in canonical transition order. */

import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { makeEnv, SERVICE } from '../../lib/xtc/service.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';

export const CAMERA = namesBlockOf({
  nodeId: 1,
  namesId: 0,
  detType: 'opal',
  detName: 'camera',
  detId: 'serial1',
  segment: 0,
  alg: 'raw',
  version: [2, 0, 0],
  fields: [
    { name: 'image', type: 'UINT16', rank: 2 },
    { name: 'number', type: 'UINT32' },
  ],
});

const RUNINFO = namesBlockOf({
  nodeId: 1,
  namesId: 255,
  detType: 'runinfo',
  detName: 'runinfo',
  detId: '',
  segment: 0,
  alg: 'runinfo',
  version: [0, 0, 1],
  fields: [
    { name: 'expt', type: 'CHARSTR', rank: 1 },
    { name: 'runnum', type: 'UINT32' },
  ],
});

/** The number in the data of event `i` is `i`; times count up by two microseconds. */
export function cameraRun(
  events: number,
  options: { pixels?: number; cycles?: number; slowUpdateEvery?: number; runs?: number[] } = {},
): Buffer {
  // With `runs` every cycle is one of these runs of experiment tst1 and says so.
  const { pixels = 4, runs, cycles = runs?.length ?? 1, slowUpdateEvery = 50 } = options;
  const writer = new DgramWriter();
  const parts: Buffer[] = [];
  let micros = 0;
  const header = (service: number, low = 1) => ({
    sec: 1000 + Math.floor(micros / 1e6),
    nsec: ((micros += 2) % 1e6) * 1000,
    env: makeEnv(service, low),
    src: 1,
  });
  const put = (service: number, run?: number) => {
    writer.begin(header(service));
    if (service === SERVICE.Configure) {
      writer.names(CAMERA);
      if (runs) writer.names(RUNINFO);
    }
    if (service === SERVICE.BeginRun && run !== undefined) writer.data(RUNINFO, { expt: 'tst1', runnum: run });
    parts.push(Buffer.from(writer.finish()));
  };
  const image = new Uint16Array(pixels * pixels).fill(7);
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const service of [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable])
      put(service, runs?.[cycle]);
    for (let i = 0; i < events; i++) {
      if (i % slowUpdateEvery === slowUpdateEvery - 1) put(SERVICE.SlowUpdate);
      writer.begin(header(SERVICE.L1Accept, 0x10001));
      writer.data(CAMERA, { image: { shape: [pixels, pixels], data: image }, number: i });
      parts.push(Buffer.from(writer.finish()));
    }
    for (const service of [SERVICE.Disable, SERVICE.EndStep, SERVICE.EndRun, SERVICE.Unconfigure]) put(service);
  }
  return Buffer.concat(parts);
}
