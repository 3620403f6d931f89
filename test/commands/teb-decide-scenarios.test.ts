/** teb-decide plays all scenarios: the real executable, real pipes, real Python; JSON lines and records; mixed and split (spec teb.md, S1 to S15). */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readConfig } from '../../lib/trigger/config/read.ts';
import { sourcesOf } from '../../lib/trigger/wire/masks.ts';
import { needsShared } from '../golden.ts';
import { Random } from '../random.ts';
import { contributionRecord, type Expected, SCENARIOS, Scenario, scenarioNames } from '../trigger/scenarios.ts';
import { decide, type Line, linesOf, readResults, scratch, summaryOf, TebProcess } from '../trigger/teb-command.ts';

const PATIENT = ['--timeout-ms', '600000'];

function comparable(line: Expected | Line): unknown {
  const { pid, svc, rogs, prescale, persist, monitor, monbuf, damage, aux, recv, missing } = line as Expected;
  return { pid, svc, rogs, prescale, persist, monitor, monbuf, damage, aux, recv, missing };
}

function expectedOf(scenario: Scenario): unknown[] {
  return scenario
    .expected()
    .filter(({ bypass }) => bypass === 0)
    .map(comparable);
}

/** Contributions of all sources in order of pid, or as they arrived. */
function mixed(scenario: Scenario) {
  const common = 1 << scenario.config.common;
  return scenario.config.drps
    .flatMap(({ id }) => scenario.seenBy(id))
    .filter(({ svc, rogs }) => (svc ?? 12) !== 12 || (rogs & common) !== 0)
    .sort((a, b) => a.pid - b.pid || a.src - b.src);
}

/** Writes every source into its own pipe, in pieces of random length and at random turns. */
async function feed(teb: TebProcess, streams: readonly Buffer[], random: Random): Promise<void> {
  const at = streams.map(() => 0);
  for (;;) {
    const open = streams.map((_, i) => i).filter((i) => at[i]! < streams[i]!.length);
    if (open.length === 0) break;
    const i = open[random.below(open.length)]!;
    const to = at[i]! + 1 + random.below([50, 500, 5000][random.below(3)]!);
    teb.input(i).write(streams[i]!.subarray(at[i]!, to));
    at[i] = to;
    if (random.chance(0.1)) await new Promise((resolve) => setImmediate(resolve));
  }
  teb.end();
}

for (const name of needsShared('data', 'teb').skip === undefined ? scenarioNames('scn') : []) {
  t.test(name, async (t) => {
    const scenario = new Scenario(name);
    const expected = expectedOf(scenario);
    const config = ['--config', scenario.configFile];

    const lines = await decide(
      [...config, ...PATIENT, '--in-format', 'jsonl', '--format', 'jsonl'],
      linesOf(mixed(scenario)),
    );
    t.equal(lines.status, 0, lines.stderr);
    t.same(lines.lines.map(comparable), expected, 'JSON lines, mixed');

    const random = new Random(name.length);
    const batch = [1, 3, 64][random.below(3)]!;
    const teb = new TebProcess([...config, ...PATIENT, '--batch', String(batch)], scenario.config.drps.length);
    await feed(
      teb,
      scenario.config.drps.map(({ id }) => Buffer.concat(scenario.contributions(id))),
      random,
    );
    t.equal(await teb.status(), 0, teb.stderr);
    t.same(teb.lines.map(comparable), expected, `a pipe per source, batches of ${batch}`);
    t.equal(teb.summary.decided, teb.summary.contributions);

    if (!name.startsWith('script')) return;
    const upstream = [...config, ...PATIENT, '--ipc', 'upstream', '--format', 'jsonl'];
    const byProtocol = await decide(upstream, Buffer.concat(mixed(scenario).map(contributionRecord)));
    t.equal(byProtocol.status, 0, byProtocol.stderr);
    t.same(byProtocol.lines.map(comparable), expected, 'the protocol of the existing system');
  });
}

t.test(
  'records as results: the same decisions, 40 or 64 bytes, batches end with EOL',
  needsShared('data', 'teb'),
  async (t) => {
    const scenario = new Scenario('meb3_reserve_mixed');
    const expected = expectedOf(scenario) as Expected[];
    const input = Buffer.concat(mixed(scenario).map((one) => Buffer.from(linesOf([one]))));
    const args = ['--config', scenario.configFile, ...PATIENT, '--in-format', 'jsonl'];
    const plain = await decide(args, input);
    t.equal(plain.stdout.length, 40 * expected.length);
    t.match(readResults(plain.stdout).at(-1), { eol: true });
    const extended = readResults((await decide([...args, '--result-ext'], input)).stdout);
    t.same(
      extended.map(({ pid, persist, monitor, monBufNo, damage, receivers, missing }) => [
        pid,
        Number(persist),
        monitor,
        monBufNo,
        damage,
        sourcesOf(receivers, 0),
        sourcesOf(missing, 0),
      ]),
      expected.map(({ pid, persist, monitor, monbuf, damage, recv, missing }) => [
        pid,
        persist,
        monitor,
        Number.parseInt(monbuf, 16),
        damage,
        recv,
        missing,
      ]),
    );
    t.ok(
      extended.filter(({ service }) => service !== 12 && service !== 10).every(({ eol }) => eol),
      'transitions end batches',
    );
  },
);

for (const name of needsShared('data', 'teb').skip === undefined ? scenarioNames('arr.jsonl') : []) {
  t.test(`${name}: in the order of arrival`, async (t) => {
    const scenario = new Scenario(name);
    const arrivals = linesOf(scenario.arrivals());
    const { status, lines, stderr } = await decide(
      ['--config', scenario.configFile, ...PATIENT, '--in-format', 'jsonl', '--format', 'jsonl', '--stats'],
      arrivals,
    );
    const expected = scenario.expected() as (Expected & { why: string })[];
    const withWhy = (line: Expected | Line) => ({ ...(comparable(line) as object), why: (line as Line).why });
    t.same(lines.map(withWhy), expected.map(withWhy));
    const counters = JSON.parse(readFileSync(join(SCENARIOS, `${name}.counters.json`), 'utf8')) as Record<
      string,
      number
    >;
    const { fixed_up = 0, ...rejected } = counters;
    const summary = summaryOf(stderr);
    t.match(summary.rejected, rejected);
    t.equal(summary.fixed_up, fixed_up);
    t.equal(status, Object.keys(rejected).length > 0 ? 1 : 0, stderr);
  });
}

t.test('several deciders give together what one gives (S15)', needsShared('data', 'teb'), async (t) => {
  const scenario = new Scenario('one_common');
  const args = ['--config', scenario.configFile, ...PATIENT, '--in-format', 'jsonl', '--format', 'jsonl', '--stats'];
  const input = linesOf(mixed(scenario));
  const parts = await Promise.all([0, 1, 2].map((i) => decide([...args, '--deciders', `${i}/3`], input)));
  const lines = parts.flatMap((part) => part.lines).sort((a, b) => a.pid - b.pid);
  const noMonitor = (line: Expected | Line) => ({ ...(comparable(line) as object), monbuf: '', monitor: 0 });
  t.same(
    lines.map(noMonitor),
    scenario.expected().map(noMonitor),
    'order restored; each decider deals the buffers that are its own',
  );
  for (const [i, { status, stderr, lines }] of parts.entries()) {
    t.equal(status, 0, stderr);
    t.ok(lines.length > 0 && lines.every(({ pid }) => Math.floor(pid / 64) % 3 === i));
    const { contributions, decided, for_other_deciders } = summaryOf(stderr);
    t.equal(contributions, decided + for_other_deciders);
  }
});

t.test('receivers get their own events only', needsShared('data', 'teb'), async (t) => {
  const scenario = new Scenario('two_common_one_slow');
  const file = join(scratch(t), '0.jsonl');
  const args = ['--config', scenario.configFile, ...PATIENT, '--out', '2=-', '--out', `0=${file}`, '--batch', '7'];
  const teb = new TebProcess(args, 3);
  for (const { id } of scenario.config.drps) teb.input(id).end(Buffer.concat(scenario.contributions(id)));
  t.equal(await teb.status(), 0, teb.stderr);
  const of = (receiver: number) => (expectedOf(scenario) as Expected[]).filter(({ recv }) => recv.includes(receiver));
  t.same(teb.lines.map(comparable), of(2));
  t.ok(of(2).length < of(0).length);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  t.same(
    lines.map((line) => comparable(JSON.parse(line) as Line)),
    of(0),
  );
});

t.test('every configuration of the scenarios is valid', needsShared('data', 'teb'), async (t) => {
  for (const name of scenarioNames('scn')) t.same(readConfig(new Scenario(name).configFile).notes, [], name);
});
