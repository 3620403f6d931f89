import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { describeRun, plainRun } from '../../lib/simulate/document.ts';
import { simulateRun } from '../../lib/simulate/simulation.ts';
import { DEFAULT_RUN } from '../../lib/simulate/usual-runs.ts';
import { parseRun } from '../../lib/simulate/yaml-text.ts';
import { decode } from './decode.ts';

const folder = new URL('../../examples/runs/', import.meta.url);
const read = (name: string) => parseRun(readFileSync(new URL(name, folder), 'utf8'), name);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

t.ok(files.length >= 3, 'there are examples');

for (const file of files) {
  t.test(`${file}: every stream is clean and complete`, (t) => {
    const run = read(file);
    const plain = { ...plainRun(run), events: Math.min(run.events, 40) };
    const nodes = new Set(run.detectors.map(({ stream }) => stream ?? 0));
    for (const stream of nodes) {
      const { dgrams, findings } = decode(simulateRun(plain, { stream }));
      t.strictSame(findings, []);
      const services = dgrams.map(({ service }) => service);
      t.equal(services[0], 'Configure');
      t.equal(services.at(-1), 'EndRun');
      t.equal(services.filter((service) => service === 'BeginStep').length, run.steps.count);
    }
    t.end();
  });
}

t.test('two-detectors.yaml is the run without a description', (t) => {
  t.strictSame(plainRun(read('two-detectors.yaml')), plainRun(describeRun(DEFAULT_RUN)));
  t.end();
});

t.test('area-camera.yaml has images of 512 x 512 uint16 at 120 Hz and the truth', (t) => {
  const { dgrams } = decode(simulateRun({ ...plainRun(read('area-camera.yaml')), events: 12 }));
  const events = dgrams.filter(({ service }) => service === 'L1Accept');
  const gap = events[1]!.nsec - events[0]!.nsec;
  t.ok(Math.abs(gap - 1e9 / 120) < 1000, `${gap} ns`);
  t.strictSame(events[0]!.shapes['epix_0.raw.image'], [512, 512]);
  t.equal((events[0]!.fields['epix_0.raw.image'] as Buffer).length, 524_288);
  t.ok(Number(events[0]!.fields['epix_0.truth.photons']) > 150);
  t.end();
});

t.test('mixed-rates.yaml has four groups, a scan and EPICS values', (t) => {
  const { dgrams } = decode(simulateRun(plainRun(read('mixed-rates.yaml'))));
  const masks = new Set(dgrams.map(({ groups, service }) => (service === 'L1Accept' ? groups : 0)));
  for (const mask of [0x04, 0x0c, 0x1c]) t.ok(masks.has(mask), `groups ${mask}`);
  t.ok(dgrams.some(({ service, fields }) => service === 'SlowUpdate' && 'epics_0.raw.lxt' in fields));
  t.strictSame(
    dgrams.filter(({ service }) => service === 'BeginStep').map(({ fields }) => fields['scan_0.raw.att']),
    [0.1, 0.5, 1],
  );
  t.end();
});
