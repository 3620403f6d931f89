import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { DaqError, formatPlace } from '../../lib/errors.ts';
import { readActiveDetectors } from '../../lib/timing/input/active-detectors.ts';
import { combineInputs, type Inputs } from '../../lib/timing/input/combine.ts';
import { readConfigure } from '../../lib/timing/input/configure.ts';
import { readPartition } from '../../lib/timing/input/partition-file.ts';
import { readTsSettings } from '../../lib/timing/input/ts-object.ts';
import { type ConfigureField, parseTsObject, treeOfFields } from '../../lib/timing/input/ts-tree.ts';
import { needsShared, SHARED } from '../golden.ts';

const ts = join(SHARED, 'data', 'timing', 'ts');
const readText = (file: string): Promise<string> => readFile(file, 'utf8');
const read = (value: unknown, file = 'p.json') =>
  readPartition({ text: typeof value === 'string' ? value : JSON.stringify(value), file, readText });
const smallest = { format: 'rog-partition/1', common: 0, groups: { 0: { fixed: '1Hz' } } };

t.test('a partition in YAML is the same as in JSON (timing 12)', async (t) => {
  const json = {
    ...smallest,
    groups: { 0: { fixed: '71kHz' }, 5: { ac: '60Hz', slots: [1, 4], dest: ['SoftXRay'] } },
    detectors: { hsd_0: 5 },
  };
  const yaml = `
format: rog-partition/1
common: 0
groups:
  0: {fixed: 71kHz}
  5: {ac: 60Hz, slots: [1, 4], dest: [SoftXRay]}
detectors: {hsd_0: 5}
`;
  t.same(await read(yaml, 'p.yaml'), await read(json));
});

t.test('mistakes name file and key (timing 12, errors)', async (t) => {
  const cases: [unknown, RegExp][] = [
    [{ ...smallest, commmon: 1 }, /p\.json:commmon/],
    [{ ...smallest, format: 'rog-partition/2' }, /p\.json:format/],
    [{ ...smallest, groups: { 0: { fixed: '3Hz' } } }, /p\.json:groups\.0\.fixed/],
    [{ ...smallest, groups: { 8: { fixed: '1Hz' } } }, /p\.json:groups\.8/],
    [{ ...smallest, groups: { 0: { fixed: '1Hz', slots: [1] } } }, /p\.json:groups\.0\.slots/],
    [{ ...smallest, groups: { 0: { fixed: '1Hz', dest: ['SXR'] } } }, /p\.json:groups\.0\.dest\[0\]/],
    [{ ...smallest, codes: { 256: { at: [910000] } } }, /p\.json:codes\.256\.at\[0\]/],
    [{ ...smallest, sequences: { 0: { words: [0] } }, codes: { 258: 'never' } }, /p\.json:codes/],
    [{ ...smallest, inhibits: { 3: [{ interval: 5, limit: 1 }] } }, /p\.json:inhibits\.3/],
    [{ ...smallest, inhibits: { 0: [{ interval: 5000, limit: 1 }] } }, /p\.json:inhibits\.0\[0\]\.interval/],
    [{ ...smallest, machine: { period: 10, tickHz: 1, markers: { a: 3 } } }, /p\.json:machine\.markers\.a/],
    ['{"format": "rog-partition/1",\n "common": }', /p\.json:2:12/],
    ['a: [1\n', /p\.json:\d/],
  ];
  for (const [value, place] of cases) {
    const error = await read(value).catch((caught: unknown) => caught);
    t.ok(error instanceof DaqError, JSON.stringify(value));
    if (error instanceof DaqError) t.match(formatPlace(error.place), place, error.message);
  }
  t.equal((await read({ ...smallest, 'x-note': 'ours' })).common, 0, 'keys with x- are allowed');
});

t.test(
  'every layout of the timing object means the same selects (timing 11.1)',
  needsShared('data', 'timing', 'ts'),
  async (t) => {
    const intervals = async (file: string) => {
      const { groups } = readTsSettings(await parseTsObject(await readText(join(ts, file)), file));
      return [1, 2, 3, 4, 5, 6].map((g) => {
        const select = groups.get(g)?.select;
        return select?.kind === 'fixed' ? [select.interval, groups.get(g)?.destinations] : null;
      });
    };
    const expected = [
      [13, null],
      [91, null],
      [910, 16],
      [9100, null],
      [910000, null],
      [1, null],
    ];
    for (const file of [
      'ts_2020-04.json',
      'ts_2023-04.json',
      'ts_2024-04.json',
      'ts_2024-11.json',
      'ts_current.json',
      'ts_current_rest.json',
      'ts_current_pprint.txt',
      'ts_current_no_types.json',
    ]) {
      t.same(await intervals(file), expected, file);
    }
  },
);

t.test(
  'the stored default is normal-conducting, code 40 (timing 11.1)',
  needsShared('data', 'timing', 'ts'),
  async (t) => {
    const { groups } = readTsSettings(await parseTsObject(await readText(join(ts, 'ts_current_default.json')), 'f'));
    t.same(
      [...groups.values()].map((group) => group.select),
      [0, 1, 2, 3, 4, 5, 6, 7].map((g) => ({ kind: 'code', code: g === 6 ? 272 : 40 })),
    );
  },
);

t.test(
  'the Configure of 2019: marker labels of the old order (timing 11.2)',
  needsShared('data', 'timing', 'ts'),
  async (t) => {
    const { fields } = JSON.parse(await readText(join(ts, 'configure_2019_fields.json'))) as {
      fields: ConfigureField[];
    };
    const { groups, warnings } = readTsSettings(treeOfFields(fields, 'f'));
    t.same(
      [...groups.values()].map((group) => group.select),
      [0, 1, 2, 3, 4, 5, 6, 7].map(() => ({ kind: 'fixed', label: '1Hz', interval: 910000 })),
    );
    t.ok(warnings.some((warning) => warning.code === 'enum-order'));
    t.same(
      [...groups.values()].map((group) => group.destinations),
      [null, 0, 0, 0, null, 0, 0, 0],
      'groups 0 and 4 do not care',
    );
  },
);

t.test(
  'the recorded Configure and its field list are one object',
  needsShared('data', 'xtc2', 'test_ts.xtc2'),
  async (t) => {
    const { fields } = JSON.parse(await readText(join(ts, 'configure_2019_fields.json'))) as {
      fields: ConfigureField[];
    };
    const recorded = await readConfigure(join(SHARED, 'data', 'xtc2', 'test_ts.xtc2'));
    t.same(readTsSettings(recorded), readTsSettings(treeOfFields(fields, 'f')));
  },
);

t.test(
  'a file without a timing detector is refused with the reason',
  needsShared('data', 'xtc2', 'written'),
  async (t) => {
    const file = join(SHARED, 'data', 'xtc2', 'written', 'xtcwriter_t.xtc2');
    await t.rejects(readConfigure(file), { code: 'timing-input', message: /no timing detector/ });
  },
);

t.test('active detectors: active entries of drp and tpr, history ignored (timing 11.3)', async (t) => {
  const file = {
    activedet: {
      drp: { a: { active: 1, det_info: { readout: 2 } }, b: { active: 0, det_info: { readout: 3 } } },
      tpr: { c: { active: 1, det_info: { readout: 5 } } },
      teb: { teb0: { active: 1 } },
    },
    history: { drp: { b: { det_info: { readout: 7 } } } },
  };
  t.same(await readActiveDetectors(JSON.stringify(file), 'f'), [
    { alias: 'a', group: 2 },
    { alias: 'c', group: 5 },
  ]);
});

t.test('inputs over each other', needsShared('data', 'timing'), async (t) => {
  const root = join(SHARED, 'data', 'timing');
  const combine = (inputs: Omit<Inputs, 'inhibits'>) =>
    combineInputs({ inhibits: true, ...inputs }, { readText, readConfigure });
  await t.test('a CALIB object needs its base', async (t) => {
    await t.rejects(combine({ ts: join(ts, 'ts_calib.json'), common: 1 }), {
      code: 'timing-input',
      message: /--ts-base/,
    });
  });
  await t.test('-p wins over the file and is noted', async (t) => {
    const partition = await combine({ partition: join(root, 'vectors', 'markers_common_1Hz.json'), common: 6 });
    t.equal(partition.common, 6);
    t.ok(partition.warnings.some((warning) => warning.code === 'common-overridden'));
  });
  await t.test('an active detector in a group without select is noted and left out', async (t) => {
    const partition = await combine({
      ts: join(ts, 'ts_calib.json'),
      tsBase: join(ts, 'ts_current.json'),
      activeDetectors: join(root, 'activedet', 'x3_p2.activedet.json'),
      common: 2,
    });
    t.same(
      partition.groups.map((group) => group.index),
      [1, 2, 4, 5],
    );
  });
  await t.test('--seq takes names with colons and at signs', async (t) => {
    await t.rejects(combine({ ts: join(ts, 'ts_current.json'), common: 1, seq: ['9:x'] }), { code: 'usage' });
    const partition = await combine({
      ts: join(ts, 'ts_current.json'),
      common: 1,
      seq: [`4:${join(root, 'seq', 'per_28.json')}@any`],
    });
    t.equal(partition.programs.get(4)?.start, 'any');
  });
});
