/** What is missing on a command line is named, with an example; and so is a file that does not exist. Status 2 either way. */

import t from 'tap';
import { run } from '../executable.ts';

/** Commands that cannot begin without a word, and what they miss. */
const MISSING: Readonly<Record<string, RegExp>> = {
  'calib-serve': /missing: shelf \(folder of constants, or a bundle\)/,
  'daq-run': /missing: word \(start, stop, .*\), file \(process file\)/,
  'eb-join': /missing: --config FILE \(.*\), --receiver R \(.*\), --results URL \(/,
  'graph-manage': /missing: graph \(graph file/,
  'graph-worker': /missing: --id N \(number of this worker/,
  'map-replay': /missing: --worker MODULE:CLASS\|FILE.mjs \(/,
  'map-up': /missing: file \(scan file, or process file\)/,
  'meb-route': /missing: part \(build or deal\)/,
  'teb-decide': /missing: --config FILE \(.*\), --in \[S=\]URL \(/,
};

t.test('without anything: what is missing, the usage, an example', async (t) => {
  for (const [name, missing] of Object.entries(MISSING)) {
    const { status, stderr } = await run(name, []);
    t.equal(status, 2, name);
    t.match(stderr, missing);
    t.match(stderr, new RegExp(`\nusage: ${name} .*\nexample: ${name} .*\nSee ${name} --help\n$`));
    t.notMatch(stderr, /Note:|required arg|See more help/);
  }
});

t.test('commands whose input is one of several things ask which', async (t) => {
  for (const name of [
    'calib-pub',
    'calib-sub',
    'drp-python',
    'graph-check',
    'graph-plan',
    'graph-run',
    'shmem-serve',
  ]) {
    const { status, stderr } = await run(name, []);
    t.equal(status, 2, name);
    t.match(stderr, new RegExp(`^${name}: [a-z].*\\? .+\n$`, 'i'));
  }
});

t.test('a file that does not exist is named', async (t) => {
  const none = 'none/such.json';
  const lines: readonly (readonly [string, ...string[]])[] = [
    ...['calib-serve', 'daq-view', 'dgram-cat', 'dgram-gen', 'graph-check', 'graph-manage'].map(
      (name) => [name] as const,
    ),
    ...['graph-plan', 'graph-run', 'json2xtc', 'map-up', 'xtc2json'].map((name) => [name] as const),
    ['daq-run', 'start'],
    ['eb-join', '--receiver', '1', '--results', 'x', '--config'],
    ['graph-check', '--events'],
    ['graph-manage', 'replace'],
    ['map-control', 'post'],
    ['map-replay', '-w', 'none/such.mjs', '-f'],
    ['map-replay', '-w', 'x:Y', '--map', none, '-f'],
    ['meb-route', 'build', '--config'],
    ['teb-decide', '--in', 'x', '--config'],
  ];
  for (const [name, ...words] of lines) {
    const { status, stderr } = await run(name, [...words, none]);
    t.equal(status, 2, `${name} ${words.join(' ')}: ${stderr}`);
    t.match(stderr, /none\/such.json: no such file/);
  }
});

t.test('a file behind an option that may be repeated is the file', async (t) => {
  for (const [name, ...words] of [
    ['map-up', '--define', 'a=b'],
    ['daq-run', 'lint', '-D', 'a=b'],
    ['calib-serve', '--det', 'a=b:1'],
  ] as const) {
    const { status, stderr } = await run(name, [...words, 'none.yaml']);
    t.match({ status, stderr }, { status: 2, stderr: /none.yaml: no such file/ }, name);
  }
});

t.test('what cannot be is told without the words of the parser', async (t) => {
  const told = async (name: string, words: readonly string[], text: string) =>
    t.match(await run(name, words), {
      status: 2,
      stderr: new RegExp(`^${name}: ${text}\n(usage: .*\n)?See ${name} --help\n$`),
    });
  await told('dgram-gen', ['--events', 'many'], '--events: expected an integer but received: many');
  await told('ipc-ls', ['shelf'], 'Unexpected argument: shelf');
  await told('meb-route', ['bind'], 'Expected bind to be one of: build, deal');
});
