import t from 'tap';
import { KINDS, type KindName } from '../../../lib/mapreduce/source/kinds.ts';
import { Series } from '../../../lib/mapreduce/source/series.ts';
import { Random } from '../../random.ts';

type Part = string | object | Buffer;

/** Messages of a kind through a series; frames come out as marks, numbers and texts of their parts. */
function play(kind: KindName, messages: readonly (readonly Part[])[], midway = false) {
  const series = new Series(KINDS[kind].protocol!());
  series.begin(midway);
  const buffer = (part: Part) =>
    Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
  const frames = messages.flatMap((message) => [...series.message(message.map(buffer))]);
  const { counts } = series;
  const accounted = counts.used + counts.before + counts.after + counts.skipped + counts.bad + counts.unexpected;
  if (accounted !== counts.messages) throw new Error(`${counts.messages} messages, accounted for ${accounted}`);
  return {
    counts,
    typs: [...new Set(frames.map(({ typ }) => typ))],
    frames: frames.map(({ mark, number, frames: parts }) => [mark, number, ...parts.map(String)]),
  };
}

const text = JSON.stringify;

t.test('stins: header, images by number, end; what is around them is counted (spec mapreduce.md 7)', async (t) => {
  const image = (frame: number) => [{ htype: 'image', frame }, `blob${frame}`];
  const end = [{ htype: 'series_end' }];
  const header = [{ htype: 'header' }, '{"extra":1}'];
  const { typs, frames, counts } = play('stins', [
    image(3),
    ['not json'],
    header,
    image(0),
    [{ htype: 'image', frame: 1 }],
    [{ htype: 'odd' }],
    header,
    [...image(1), 'blob of module 2'],
    end,
    image(2),
  ]);
  t.same(typs, ['STINS']);
  t.same(frames, [
    ['start', undefined, text(header[0]), '{"extra":1}'],
    ['data', 0, text(image(0)[0]), 'blob0'],
    ['data', 1, text(image(1)[0]), 'blob1', 'blob of module 2'],
    ['end', undefined, text(end[0])],
  ]);
  t.match(counts, { messages: 10, frames: 4, before: 1, after: 1, bad: 2, skipped: 1, unexpected: 1 });
});

t.test('begun amid a series, numbered data are taken without a start marker', async (t) => {
  const messages = [[{ htype: 'image', frame: 7 }, 'x'], [{ htype: 'series_end' }]];
  t.same(
    play('stins', messages, true).frames.map(([mark, number]) => [mark, number]),
    [
      ['data', 7],
      ['end', undefined],
    ],
  );
  t.same(play('lecroy', [[{ htype: 'msg', what: 3 }]], true).frames, []);
});

t.test('eiger-legacy: header of nine parts, images of five', async (t) => {
  const header = [{ htype: 'dheader-1.0', header_detail: 'all' }, ...'12345678'];
  const image = [
    { htype: 'dimage-1.0', frame: 4, series: 1, hash: 'h' },
    { htype: 'dimage_d-1.0' },
    'blob',
    { htype: 'dconfig-1.0' },
    'app',
  ];
  const { typs, frames } = play('eiger-legacy', [header, image, [{ htype: 'dseries_end-1.0', series: 1 }]]);
  t.same(typs, ['EIGER_LEGACY']);
  t.same(
    frames.map(([mark, number, ...parts]) => [mark, number, parts.length]),
    [
      ['start', undefined, 9],
      ['data', 4, 5],
      ['end', undefined, 1],
    ],
  );
});

t.test('xspress: one message of three parts, or three in a row; a lost one does not shift the rest', async (t) => {
  const image = (frame: number) => ({ htype: 'image', frame, shape: [4], type: 'uint32' });
  const { frames, counts } = play('xspress', [
    [{ htype: 'header', filename: 'f' }],
    [image(0), 'array0', 'pickle0'],
    [image(1)],
    ['array1'],
    ['pickle1'],
    [image(2)],
    ['array2'],
    [image(3)],
    ['array3'],
    ['pickle3'],
    [{ htype: 'series_end' }],
  ]);
  t.same(frames.slice(1, -1), [
    ['data', 0, text(image(0)), 'array0', 'pickle0'],
    ['data', 1, text(image(1)), 'array1', 'pickle1'],
    ['data', 3, text(image(3)), 'array3', 'pickle3'],
  ]);
  t.equal(counts.bad, 0);
});

t.test('albaem: message types and frame numbers', async (t) => {
  const { typs, frames } = play('albaem', [
    [{ message_type: 'series-start', version: 1 }],
    [{ message_type: 'data', version: 1, frame_number: 5, channel1: 1.5 }],
    [{ message_type: 'series-end', version: 1 }],
  ]);
  t.same(typs, ['albaem']);
  t.same(
    frames.map(([mark, number]) => [mark, number]),
    [
      ['start', undefined],
      ['data', 5],
      ['end', undefined],
    ],
  );
});

t.test('pcap: a data message is taken apart; numbers keep their digits', async (t) => {
  const start = '{"message_type":"series-start","version":1,"arm_time":"2024-10-07T08:49:10.627Z"}';
  const data = (body: string) => [`{"message_type":"data","version":1,${body}}`];
  const { typs, frames, counts } = play('pcap', [
    [start],
    data('"frame_number":9007199254740980, "big":[123456789012345678901, -0.0 , NaN],"t":["a","b\\"","NaN"],"x":1.50'),
    data('"frame_number":3,"a":[1,2],"b":[1]'),
    data('"frame_number":3,"a":1'),
    data('"frame_number":4,"a":[]'),
    data('"a":[1]'),
    [...data('"frame_number":3,"a":[1]'), 'second part'],
    ['{"message_type":"series-end","version":1}'],
  ]);
  t.same(typs, ['PCAP']);
  t.same(frames.slice(1, -1), [
    [
      'data',
      9007199254740980,
      '{"message_type":"data","version":1,"frame_number":9007199254740980,"big":123456789012345678901,"t":"a","x":1.50}',
    ],
    [
      'data',
      9007199254740981,
      '{"message_type":"data","version":1,"frame_number":9007199254740981,"big":-0.0,"t":"b\\"","x":1.50}',
    ],
    [
      'data',
      9007199254740982,
      '{"message_type":"data","version":1,"frame_number":9007199254740982,"big":NaN,"t":"NaN","x":1.50}',
    ],
  ]);
  t.equal(counts.bad, 4);
});

t.test('pcap-raw: a header is one frame, each row another', async (t) => {
  const lines = [
    'junk\n',
    'arm_time: 2024\n',
    'fields:\n',
    ' PCAP.BITS2\n',
    '\n',
    ' 1 2\n',
    ' 3 4\n',
    'END 2 Disarmed\n',
    'arm_time: 2025\n',
    '\n',
  ];
  const { typs, frames, counts } = play(
    'pcap-raw',
    lines.map((line) => [line]),
  );
  t.same(typs, ['PCAP_RAW']);
  t.same(frames, [
    ['start', undefined, 'arm_time: 2024\nfields:\n PCAP.BITS2\n\n'],
    ['data', undefined, ' 1 2\n'],
    ['data', undefined, ' 3 4\n'],
    ['end', undefined, 'END 2 Disarmed\n'],
  ]);
  t.match(counts, { skipped: 1, after: 2 });
});

t.test('lecroy: a frame is a sequence with its traces; one start serves all if it is endless', async (t) => {
  const what = (number: number, more: object = {}) => ({ htype: 'msg', what: number, ...more });
  const trace = (ch: number) => [{ htype: 'traces', ch }, 'array', 'pickle'];
  const run = (ntriggers: number, sequences: (object | string)[][]) =>
    play('lecroy', [[what(0)], [what(1, { ntriggers })], ...sequences, [what(3)]]);
  const counted = run(10, [trace(2), trace(4), [what(2)], [what(1, { seqno: 1 })], trace(2), [what(2)]]);
  t.same(counted.typs, ['lecroy_9fwdWp6Rq7']);
  t.same(
    counted.frames.map(([mark, , ...parts]) => [mark, parts.length]),
    [
      ['start', 1],
      ['data', 8],
      ['data', 5],
      ['end', 1],
    ],
  );
  const endless = run(-1, [trace(2), [what(2)], trace(2), trace(4), [what(2)]]);
  t.same(
    endless.frames.map(([mark, , ...parts]) => [mark, parts.length]),
    [
      ['start', 1],
      ['data', 5],
      ['data', 8],
      ['end', 1],
    ],
  );
  t.equal(endless.frames[2]![2], text(what(1, { ntriggers: -1 })));
  t.equal(run(10, [[what(2)], [what(2)]]).counts.bad, 1, 'an end without a sequence');
});

t.test('contrast: the helper says what a message is', async (t) => {
  const { frames, counts } = play('contrast', [
    ['r', 'early'],
    ['h', 'beat'],
    ['s', 'p0'],
    ['?', 'x'],
    ['r', 'p1'],
    ['f', 'p2'],
  ]);
  t.same(frames, [
    ['start', undefined, 'p0'],
    ['data', undefined, 'p1'],
    ['end', undefined, 'p2'],
  ]);
  t.match(counts, { before: 1, skipped: 1, bad: 1 });
});

t.test('sardana: records by path; a type that was left out is put in', async (t) => {
  const { typs, frames, counts } = play('sardana', [
    ['/v1/data_desc', { serialno: 1, scandir: '/d', title: 'ascan' }],
    ['/v1/record_data', '{ "timestamp": 0.5, "x": 1.0 }'],
    ['/v1/record_data', { type: 'RecordEnd', timestamp: 1 }],
    ['/v1/record_data', { x: 1 }],
    ['/v1/custom_data', {}],
    ['/v1/record_end', '{}'],
  ]);
  t.same(typs, ['sardana']);
  t.same(frames.slice(1), [
    ['data', undefined, '{"type":"RecordData", "timestamp": 0.5, "x": 1.0 }'],
    ['end', undefined, '{"type":"RecordEnd"}'],
  ]);
  t.equal((JSON.parse(String(frames[0]![2])) as { type: string }).type, 'DataDescription');
  t.match(counts, { bad: 2, skipped: 1 });
});

t.test('random bytes break nothing, and every message is accounted for', async (t) => {
  const random = new Random(5);
  const words = ['htype', 'what', 'message_type', 'image', 'header', 'data', 'traces', 'series-start', 'frame_number'];
  for (const kind of Object.keys(KINDS) as KindName[]) {
    if (!KINDS[kind].protocol) continue;
    const messages = Array.from({ length: 400 }, () =>
      Array.from({ length: random.below(4) }, () => {
        if (random.chance(0.3)) return Buffer.from(Array.from({ length: random.below(30) }, () => random.below(256)));
        const pick = () => words[random.below(words.length)]!;
        return text({
          [pick()]: random.chance(0.5) ? pick() : random.below(4),
          frame_number: [random.below(3), null][random.below(2)],
        });
      }),
    );
    const { counts } = play(kind, messages);
    t.equal(counts.messages, 400, kind);
  }
});
