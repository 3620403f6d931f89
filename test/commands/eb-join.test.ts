/** eb-join as a process (teb.md, section 7): all scenarios behind teb-decide, and every way in which decisions and outputs fail. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PROJECT, run } from '../executable.ts';
import { needsShared } from '../golden.ts';
import { configIn, fates, joinRun, type Line, lines, summary } from '../trigger/join-command.ts';
import { type Expected, Scenario, scenarioNames } from '../trigger/scenarios.ts';
import { asRecords, asXtc, decisions, detectorRun, type Event, L1, scratch } from '../trigger/streams.ts';

t.test(
  'scenarios: every receiver joins exactly what is right, once and in order',
  needsShared('data', 'teb'),
  async (t) => {
    const folder = scratch(t);
    for (const name of scenarioNames('scn')) {
      const scenario = new Scenario(name);
      const place = join(folder, name);
      mkdirSync(place);
      const ids = scenario.config.drps.map(({ id }) => id);
      for (const id of ids) {
        writeFileSync(join(place, `${id}.ebd`), Buffer.concat(scenario.contributions(id)));
        writeFileSync(join(place, `${id}.events`), Buffer.concat(scenario.events(id)));
      }
      const decided = await run('teb-decide', [
        ...['--config', scenario.configFile, '--timeout-ms', '0'],
        ...ids.flatMap((id) => ['--in', `${id}=${join(place, `${id}.ebd`)}`]),
        // Some receivers get their own results, others all of them.
        ...ids.flatMap((id) => ['--out', `${id % 2 === 0 ? id : 'all'}=${join(place, `${id}.res`)}`]),
      ]);
      t.equal(decided.status, 0, decided.stderr);
      const joined = await Promise.all(
        ids.map((id) =>
          run('eb-join', [
            ...['--config', scenario.configFile, '--receiver', String(id), '--format', 'jsonl'],
            ...['--events', join(place, `${id}.events`), '--results', join(place, `${id}.res`)],
            ...['--record', join(place, `${id}.xtc2`)],
          ]),
        ),
      );
      for (const [i, id] of ids.entries()) {
        const expected = scenario.expected().filter(({ to }) => to.includes(id));
        t.equal(joined[i]!.status, 0, joined[i]!.stderr);
        t.same(
          lines(joined[i]!.stdout),
          expected.map((line) => joinedLine(line, id)),
          `${name}, receiver ${id}`,
        );
        t.equal(summary(joined[i]!).events, expected.length);
      }
    }
  },
);

function joinedLine({ recv, to, missing, ...line }: Expected, rcv: number): Line {
  const act = line.svc !== L1 || line.persist || line.prescale ? 'record' : 'discard';
  const { dev, upstream, ...keys } = line as Line;
  return { rcv, ...keys, act };
}

t.test(
  'XTC2 and records give the same recording: whole dgrams, damage ORed in; small data point into it',
  async (t) => {
    const folder = scratch(t);
    const events = detectorRun(300, { padding: 6000 });
    const results = Buffer.concat(
      decisions(events, (i) => ({
        persist: i % 3 === 0 ? 1 : 0,
        prescale: i % 10 === 1 ? 1 : 0,
        damage: i % 50 === 0 ? 0x10 : 0,
      })),
    );
    const recorded = (event: Event, i: number) => event.svc !== L1 || (i - 4) % 3 === 0 || (i - 4) % 10 === 1;
    const expected = events.filter(recorded).map(({ dgram }, i, all) => {
      const index = events.findIndex((event) => event.dgram === all[i]!.dgram) - 4;
      const copy = Buffer.from(dgram);
      if (index >= 0 && index % 50 === 0) copy.writeUInt16LE(index % 3 === 0 ? 0x10 : 0, 16);
      return copy;
    });
    for (const [format, bytes] of [
      ['xtc2', asXtc(events)],
      ['ebd', asRecords(events)],
    ] as const) {
      const [record, smd] = ['xtc2', 'smd.xtc2'].map((ending) => join(folder, `${format}.${ending}`)) as [
        string,
        string,
      ];
      const outcome = await joinRun(folder, bytes, [results], ['--record', record, '--smd', smd]);
      t.equal(outcome.status, 0, outcome.stderr);
      t.ok(readFileSync(record).equals(Buffer.concat(expected)), format);
      t.match(summary(outcome), { recorded: expected.length, discarded: events.length - expected.length });
      const check = await run('dgram-cat', ['--check', record, smd]);
      t.equal(check.status, 0, check.stdout.toString() + check.stderr);
    }
    const small = await run('dgram-cat', ['-d', '--service', 'L1Accept', '-n', '2', join(folder, 'ebd.smd.xtc2')]);
    t.match(small.stdout.toString(), new RegExp(`intOffset.* ${expected[0]!.length + 3 * 24}\\b`));
  },
);

t.test(
  'triginfo: in Configure and in every L1Accept, as dgram-cat and daqpipe.xtc read it (section 7.4)',
  async (t) => {
    const folder = scratch(t);
    const events = detectorRun(3);
    events[5]!.dgram.writeUInt32LE((L1 << 24) | 2, 8);
    const results = Buffer.concat(
      decisions(events, (i) =>
        i === 1 ? undefined : { persist: 1, prescale: i === 0 ? 1 : 0, monitor: 15, monbuf: '40000001', aux: 0xabc },
      ),
    );
    const record = join(folder, 'run.xtc2');
    const plain = await joinRun(folder, asRecords(events), [results], ['--record', record, '--triginfo']);
    t.equal(plain.status, 0, plain.stderr);
    const check = await run('dgram-cat', ['--check', record]);
    t.equal(check.status, 0, check.stdout.toString());
    const shown = await run('dgram-cat', ['--format', 'jsonl', '-d', '--service', 'L1Accept', record]);
    const words = lines(shown.stdout).map((line) => JSON.stringify(line));
    t.equal(words.length, 3);
    t.match(words[0], new RegExp(`"data":${((0xabc << 8) | 0x3f) >>> 0}\\b`));
    t.match(words[1], /"data":2\b/, 'bypass events get 2');
    const python = await runPython(
      `
import sys
from daqpipe.xtc import dgram_size, open_block, walk
from daqpipe.xtc.names import parse_names
data = memoryview(bytearray(open(sys.argv[1], 'rb').read()))
known, at = {}, 0
while at < len(data):
    size = dgram_size(data, at, len(data))
    found = walk(data, at, size)
    for id, start, end in found.names:
        known[id] = parse_names(data, at + start + 12, at + end, id)
    for id, start, end in found.blocks:
        if known[id].det_name == 'triginfo':
            print(hex(id), known[id].alg, open_block(data, at, start, end, known[id]).value(data, at, 0))
    at += size
`,
      record,
    );
    t.equal(python, [(0xabc << 8) | 0x3f, 2, (0xabc << 8) | 0x3e].map((data) => `0x3 triginfo ${data}\n`).join(''));
    const extended = await joinRun(folder, asRecords(events), [results], ['--record', record, '--triginfo-ext']);
    t.equal(extended.status, 0, extended.stderr);
    t.equal((await run('dgram-cat', ['--check', record])).status, 0);
  },
);

async function runPython(script: string, ...args: string[]): Promise<string> {
  const child = spawn('python3', ['-c', script, ...args], {
    env: { ...process.env, PYTHONPATH: join(PROJECT, 'python') },
  });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => (text += bytes));
  child.stderr.on('data', (bytes: Buffer) => (text += bytes));
  await once(child, 'close');
  return text;
}

t.test('results that lack, repeat, go back or belong to others (section 7.2)', async (t) => {
  const folder = scratch(t);
  const events = detectorRun(6);
  const list = decisions(events, (i) => ({ persist: 1, monitor: i === 5 ? 1 : 0 }));
  const [others] = decisions([{ pid: events[6]!.pid + 50, svc: L1, rogs: 1, dgram: Buffer.alloc(0) }], () => ({
    persist: 1,
  }));
  const results = Buffer.concat([...list.slice(0, 6), list[5]!, list[2]!, list[6]!, others!, ...list.slice(8)]);
  const outcome = await joinRun(folder, asXtc(events), [results], ['--format', 'jsonl']);
  t.equal(outcome.status, 1, 'a decision is missing');
  t.match(summary(outcome), { events: 10, recorded: 10, no_decision: 1, extra: 1, dup_result: 2 });
  t.match(lines(outcome.stdout)[7], { act: 'record', persist: 1, damage: 0x20 });
  const discarded = await joinRun(folder, asXtc(events), [results], ['--format', 'jsonl', '--on-missing', 'discard']);
  t.match(summary(discarded), { recorded: 9, discarded: 1, no_decision: 1 });
  const stopped = await joinRun(folder, asXtc(events), [results], ['--format', 'jsonl', '--on-missing', 'stop']);
  t.equal(stopped.status, 1);
  t.match(summary(stopped), { events: 10, recorded: 7, rejected: { no_decision: 1 }, waiting: 2 });
});

t.test('events without the common group (section 7.3), without payload, of another service', async (t) => {
  const folder = scratch(t);
  const events = detectorRun(4);
  events[4]!.dgram.writeUInt32LE((L1 << 24) | 2, 8);
  events[6]!.dgram = Buffer.concat([events[6]!.dgram.subarray(0, 20), Buffer.from([12, 0, 0, 0])]);
  const all = decisions(events, (i) => (i === 0 ? undefined : { persist: 1, svc: i === 3 ? 10 : L1 }));
  const results = [Buffer.concat(all)];
  const usual = ['record', 'record', 'record', 'record'];
  const shown = ['--format', 'jsonl'];
  const bypass = await joinRun(folder, asRecords(events), results, shown);
  t.same(fates(bypass), [...usual, 'record', 'record', 'record', 'svc']);
  t.equal(bypass.status, 1);
  const discard = await joinRun(folder, asRecords(events.slice(0, 7)), results, [
    ...shown,
    '--no-common',
    'discard',
    '--drop-empty',
  ]);
  t.same(fates(discard), [...usual, 'no_common', 'record', 'record']);
  t.equal(discard.status, 0, 'what was asked for');
  t.match(summary(discard), { recorded: 5, dropped_empty: 1, rejected: { no_common: 1 } });
  const error = await joinRun(folder, asRecords(events.slice(0, 7)), results, [...shown, '--no-common', 'error']);
  t.equal(error.status, 1);
  t.match(error.stderr, /event 1000400 is rejected: no_common/);
});

t.test('several deciders: each answers its part, and the order of events is kept (S15)', async (t) => {
  const folder = scratch(t);
  const events = detectorRun(500);
  const all = decisions(events, (i) => ({ persist: i % 2 === 0 ? 1 : 0 }));
  const parts = [0, 1, 2].map((d) => Buffer.concat(all.filter((_, i) => Math.floor(events[i]!.pid / 64) % 3 === d)));
  const one = await joinRun(folder, asXtc(events), [Buffer.concat(all)], ['--format', 'jsonl']);
  const three = await joinRun(folder, asXtc(events), parts, ['--format', 'jsonl', '--buffers', '3']);
  t.equal(three.status, 0, three.stderr);
  t.ok(three.stdout.equals(one.stdout));
});

t.test('bytes that are no events or no results end the stream, with a message and status 1', async (t) => {
  const folder = scratch(t);
  const events = detectorRun(3);
  const results = Buffer.concat(decisions(events, () => ({ persist: 1 })));
  const cut = await joinRun(folder, asRecords(events).subarray(0, -5), [results]);
  t.equal(cut.status, 1);
  t.match(cut.stderr, /it ends inside an event/);
  const noise = await joinRun(folder, Buffer.concat([asXtc(events), Buffer.alloc(100, 0xff)]), [results]);
  t.equal(noise.status, 1);
  t.match(summary(noise), { recorded: 7, bad_frame: 1 });
  const garbled = await joinRun(folder, asXtc(events), [
    Buffer.concat([results.subarray(0, 200), Buffer.alloc(99, 1)]),
  ]);
  t.equal(garbled.status, 1);
  t.match(summary(garbled), { recorded: 7, no_decision: 2, bad_frame: 1 });
});

t.test('wrong usage is told before anything is read', async (t) => {
  const folder = scratch(t);
  const config = configIn(folder);
  for (const [args, words] of [
    [
      ['--receiver', '7', '--config', config, '--events', '/dev/null', '--results', '/dev/null'],
      /no detector process 7/,
    ],
    [['--receiver', '0', '--config', config, '--results', '-'], /cannot both come from standard input/],
    [['--receiver', '0', '--config', config, '--results', '/dev/null', '--smd', 'x'], /--smd needs --record/],
    [['--receiver', '0', '--config', join(folder, 'none.json'), '--results', '/dev/null'], /none.json: no such file/],
  ] as const) {
    const outcome = await run('eb-join', args);
    t.equal(outcome.status, 2, outcome.stderr);
    t.match(outcome.stderr, words);
  }
});

t.test(
  'the mon stream: word, pulse id, dgram with the receiver as source; transitions with word 0 (section 2.4)',
  async (t) => {
    const folder = scratch(t);
    const events = detectorRun(2, { src: 3, node: 0 });
    const results = Buffer.concat(
      decisions(events, (i) => ({ persist: i, monitor: 15, monbuf: `4000000${i}`, damage: 0x10 })),
    );
    const mon = join(folder, 'mon');
    await joinRun(folder, asXtc(events), [results], ['--mon', mon]);
    const bytes = readFileSync(mon);
    const found: [number, number, number, number][] = [];
    for (let at = 0; at < bytes.length; ) {
      const word = bytes.readUInt32LE(at);
      found.push([
        word,
        Number(bytes.readBigUInt64LE(at + 4)),
        bytes.readUInt32LE(at + 24),
        bytes.readUInt16LE(at + 28),
      ]);
      at += 4 + 8 + 12 + bytes.readUInt32LE(at + 32);
    }
    t.same(
      found,
      events.map(({ pid, svc }, i) => (svc === L1 ? [0x40000000 + i - 4, pid, 0, 0x10] : [0, pid, 0, 0])),
    );
  },
);
