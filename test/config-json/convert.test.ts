import t from 'tap';
import { configureDgram } from '../../lib/config-json/configure.ts';
import { convertText, convertTexts } from '../../lib/config-json/convert.ts';
import type { Rules } from '../../lib/config-json/problem.ts';
import { namesOf } from './blocks.ts';

interface Parts {
  header?: string;
  data?: string;
  types?: string;
}

const HEADER =
  '"detType:RO":"ty","detName:RO":"det_3","detId:RO":"id","doc:RO":"d","alg:RO":{"alg:RO":"config","version:RO":[2,0,1]}';

function documentOf({ header = HEADER, data = '', types = '' }: Parts): Buffer {
  return Buffer.from(`{${header}${data === '' ? '' : `,${data}`},":types:":{${types}}}`);
}

/** `severity code key` of every problem. */
function problems(parts: Parts, rules: Partial<Rules> = {}): string[] {
  return convertText(documentOf(parts), rules).problems.list.map(
    ({ severity, code, place }) => `${severity} ${code} ${place.key ?? ''}`,
  );
}

function message(parts: Parts, rules: Partial<Rules> = {}): string {
  return convertText(documentOf(parts), rules).problems.list[0]?.message ?? '';
}

const options = { nodeId: 1, firstNamesId: 0, half: 'both', service: 2, sec: 0, nsec: 0 } as const;

t.test('every problem of a document is found in one run (section 7)', async (t) => {
  const parts = {
    data: '"a":1.5,"b":"x","c":{"d":300,"e":[1,2]},"f":null,"g":1',
    types: '"a":"INT32","b":"INT32","c":{"d":"UINT8","e":["UINT8",3]},"f":"DOUBLE"',
  };
  t.strictSame(problems(parts), [
    'error not-an-integer a',
    'error wrong-value b',
    'error out-of-range c.d',
    'error too-few-elements c.e',
    'error wrong-value f',
    'error no-type g',
  ]);
});

t.test('all missing mandatory keys are named (section 3)', async (t) => {
  const { problems } = convertText(Buffer.from('{}'));
  t.strictSame(
    problems.list.map(({ code, place }) => `${code} ${place.key}`),
    ['alg:RO', 'detName:RO', 'detType:RO', 'detId:RO', 'doc:RO', ':types:'].map((key) => `missing-key ${key}`),
  );
  t.match(convertText(Buffer.from('[{}]')).problems.list, [{ code: 'not-an-object' }]);
});

t.test('a label given for a number lists labels and numbers (section 5)', async (t) => {
  const types = '"g":"onoff","h":["onoff",1],":enum:":{"onoff":{"On":1,"Off":0}}';
  t.match(message({ data: '"g":"On"', types }), 'Off = 0, On = 1');
  t.match(message({ data: '"h":["On"]', types }), 'Off = 0, On = 1');
  t.strictSame(problems({ data: '"h":["On"]', types }), ['error wrong-value h[0]', 'warning enum-list h']);
});

t.test('warnings do not keep a document from being converted (section 5)', async (t) => {
  const found = (data: string, types: string) => {
    const conversion = convertText(documentOf({ data, types }));
    t.equal(conversion.configs.length, 1, types);
    return conversion.problems.list.map(({ severity, code }) => `${severity} ${code}`);
  };
  t.strictSame(found('"a":1', '"a":"nowhere"'), ['warning undefined-enum']);
  t.strictSame(found('"a":1', '"a":"ENUMVAL"'), ['warning unnamed-enum']);
  t.strictSame(found('"a":7', '"a":"e",":enum:":{"e":{"x":1}}'), ['warning no-label']);
  t.strictSame(found('"a":[1,7]', '"a":["e",2],":enum:":{"e":{"x":1}}'), ['warning no-label', 'warning enum-list']);
  t.strictSame(found('"a.b":1,"a":{"b":2}', '"a.b":"INT8","a":{"b":"INT8"}'), ['warning same-name']);
  t.match(message({ data: '"a":1', types: '"a":"int32"' }), 'did you mean INT32');
});

t.test('losses are errors, with --compat warnings (section 5)', async (t) => {
  const losses: [string, string, string][] = [
    ['out-of-range', '"a":256', '"a":"UINT8"'],
    ['out-of-range', '"a":[-129]', '"a":["INT8",1]'],
    ['too-many-elements', '"a":[1,2]', '"a":["INT8",1]'],
    ['duplicate-key', '"a":1,"a":2', '"a":"INT8"'],
    ['nul-in-text', '"a":"x\\u0000y"', '"a":"CHARSTR"'],
    ['out-of-range', '"a":9e308', '"a":"DOUBLE"'],
    ['out-of-range', '"a":[1e39]', '"a":["FLOAT",1]'],
  ];
  for (const [code, data, types] of losses) {
    t.match(problems({ data, types }), [new RegExp(`^error ${code} a`)], data);
    t.match(problems({ data, types }, { compat: true }), [new RegExp(`^warning ${code} a`)], `${data} with --compat`);
  }
  const latin = Buffer.from(documentOf({ data: '"a":"\xff"', types: '"a":"CHARSTR"' }).toString('utf8'), 'latin1');
  t.match(convertText(latin).problems.list, [{ severity: 'error', code: 'not-utf8' }]);
  t.match(convertText(latin, { compat: true }).problems.list, [{ severity: 'warning', code: 'not-utf8' }]);
  t.match(convertText(latin, { compat: true }).configs[0]?.values, [{ data: Buffer.from([0xff, 0, 0, 0]) }]);
});

t.test('integers for FLOAT and DOUBLE scalars, and the largest floats (section 5)', async (t) => {
  const types = '"a":"FLOAT"';
  for (const literal of ['42', '3.4028234663852886e38', '3.4028235e38']) {
    t.strictSame(problems({ data: `"a":${literal}`, types }), [], literal);
    t.equal(problems({ data: `"a":${literal}`, types }, { compat: true }).length, 1, `${literal} with --compat`);
  }
  t.strictSame(problems({ data: '"a":3.5e38', types }), ['error out-of-range a']);
  t.strictSame(problems({ data: '"a":[42]', types: '"a":["FLOAT",1]' }, { compat: true }), []);
});

t.test('--compat --exact-numbers: the reference’s rules, correct rounding', async (t) => {
  const data = '"a":[0.42451918914251396]';
  const types = '"a":["DOUBLE",1]';
  const stored = (rules: Partial<Rules>) => {
    const value = convertText(documentOf({ data, types }), rules).configs[0]?.values[0];
    return typeof value === 'object' && 'data' in value && Buffer.isBuffer(value.data)
      ? value.data.readDoubleLE()
      : undefined;
  };
  t.equal(stored({}), 0.42451918914251396);
  t.not(stored({ compat: true }), 0.42451918914251396);
  t.equal(stored({ compat: true, exactNumbers: true }), 0.42451918914251396);
  t.strictSame(problems({ data: '"a":42', types: '"a":"FLOAT"' }, { compat: true, exactNumbers: true }), [
    'error integer-for-float a',
  ]);
});

t.test('one missing type is one problem, whatever is below (section 4)', async (t) => {
  t.strictSame(problems({ data: '"a":{"b":1,"c":{"d":2,"e":3}}' }), ['error no-type a']);
  t.strictSame(problems({ data: '"a":{"b":{},"c":[{},{}]}' }), [], 'empty objects need no type');
  t.strictSame(problems({ data: '"a":{"b":1}', types: '"a":"INT32"' }), ['error wrong-type-form a']);
  t.strictSame(problems({ data: '"a":1', types: '"a":{"b":"INT32"}' }), ['error wrong-type-form a']);
});

t.test('a long list of mistakes is named up to the fifth', async (t) => {
  const data = `"a":[${new Array(1000).fill('"x"').join(',')}],"b":1`;
  const { problems } = convertText(documentOf({ data, types: '"a":["INT32",1000]' }));
  t.equal(problems.errors, 1001);
  t.equal(problems.list.length, 7);
  t.equal(problems.list.at(-1)?.place.key, 'b');
});

t.test('--split-segment splits at the last underscore (section 1)', async (t) => {
  const name = (detName: string, compat = false) => {
    const header = HEADER.replace('det_3', detName);
    const { configs, problems } = convertText(documentOf({ header }), { splitSegment: true, compat });
    return configs[0] ? [configs[0].detName.toString(), configs[0].segment] : problems.list[0]?.code;
  };
  t.strictSame(name('det_3'), ['det', 3]);
  t.strictSame(name('a_b_12'), ['a_b', 12]);
  t.strictSame(name('_0'), ['', 0]);
  t.equal(name('det'), 'no-segment');
  t.equal(name('det_x'), 'no-segment');
  t.strictSame(name('det_x', true), ['det', 0], 'as the DAQ reads it');
  t.equal(name('det_4294967296'), 'no-segment');
});

t.test('texts longer than 255 bytes are cut by bytes with --compat (section 5)', async (t) => {
  const header = HEADER.replace('"id"', `"${'é'.repeat(128)}"`);
  const { configs } = convertText(documentOf({ header }), { compat: true });
  const dgram = configureDgram(configs, options);
  t.equal(dgram.length, 1108);
  t.strictSame(
    dgram.subarray(36 + 516, 36 + 772),
    Buffer.concat([Buffer.from('é'.repeat(128)).subarray(0, 255), Buffer.from([0])]),
  );
});

t.test('equal keys: which one is first depends on how the reference takes special keys out (section 5)', async (t) => {
  // Taking "alg:RO" out moves the last member to its place, and so on: the second "a" ends up in front.
  const text = `{"alg:RO":{"alg:RO":"config","version:RO":[2,0,1]},"detName:RO":"det","detType:RO":"ty","detId:RO":"id",
    "doc:RO":"","a":1,":types:":{"a":"INT8"},"a":2}`;
  const { configs } = convertText(Buffer.from(text), { compat: true });
  t.strictSame(configs[0]?.values, [2, 2]);
});

t.test('several documents: names ids count up, halves can be apart (section 8)', async (t) => {
  const one = documentOf({ data: '"a":1', types: '"a":"INT32"' }).toString();
  const both = (text: string) => convertTexts(Buffer.from(text)).configs;
  t.equal(both(`[${one},${one}]`).length, 2);
  t.equal(both(`${one}\n${one}\n${one}`).length, 3);
  const configs = both(`[${one},${one}]`);
  const whole = configureDgram(configs, { ...options, nodeId: 5, firstNamesId: 20 });
  t.strictSame(
    namesOf(whole).map(({ id }) => id),
    [0x514, 0x515],
  );
  const names = configureDgram(configs, { ...options, half: 'names' });
  const data = configureDgram(configs, { ...options, half: 'data', service: 12, sec: 7, nsec: 8 });
  t.equal(names.length + data.length, whole.length + 24);
  t.equal(data.readUInt32LE(8), 0x0c000000);
  t.throws(() => configureDgram(configs, { ...options, firstNamesId: 255 }), { code: 'names-id' });
});

t.test('data deeper than anybody nests is refused, not a crash', async (t) => {
  const data = `"a":${'{"":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
  const types = `"a":${'{"":'.repeat(50_000)}"INT8"${'}'.repeat(50_000)}`;
  t.strictSame(
    problems({ data, types }).map((line) => line.split(' ')[1]),
    ['too-deep'],
  );
});
