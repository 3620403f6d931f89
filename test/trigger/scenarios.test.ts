/** All scenarios of the value trigger through the pure core: in every interleaving, splitting and batching the same lines (S14). */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readConfig } from '../../lib/trigger/config/read.ts';
import type { Fate } from '../../lib/trigger/join/fate.ts';
import { Joiner } from '../../lib/trigger/join/joiner.ts';
import type { DecisionLine } from '../../lib/trigger/types.ts';
import { EbDgram } from '../../lib/trigger/wire/eb-dgram.ts';
import { ResultRecord } from '../../lib/trigger/wire/result.ts';
import { RecordSplitter } from '../../lib/trigger/wire/splitter.ts';
import { needsShared } from '../golden.ts';
import { Random } from '../random.ts';
import { PureTeb } from './pure-teb.ts';
import { resultBytes } from './result-bytes.ts';
import { contributionRecord, type Expected, SCENARIOS, Scenario, scenarioNames } from './scenarios.ts';

/** Keys of a line that every interleaving must give. */
const KEYS = ['pid', 'svc', 'rogs', 'prescale', 'persist', 'monitor', 'monbuf', 'damage', 'aux', 'bypass'] as const;

function comparable(line: DecisionLine | Expected): unknown {
  return [...KEYS.map((key) => line[key]), line.recv, line.missing];
}

/** Feeds the sources' bytes in random pieces of random length, in random turns. */
function play(scenario: Scenario, seed: number): DecisionLine[] {
  const random = new Random(seed);
  const teb = new PureTeb(readConfig(scenario.configFile), 1 + random.below(64));
  const record = new EbDgram();
  const inputs = scenario.config.drps.map(({ id }) => ({
    bytes: Buffer.concat(scenario.contributions(id)),
    at: 0,
    splitter: new RecordSplitter(),
  }));
  const longest = [40, 400, 4000, 40_000][seed % 4]!;
  let open = inputs.filter(({ bytes }) => bytes.length > 0);
  while (open.length > 0) {
    const input = open[random.below(open.length)]!;
    const to = Math.min(input.bytes.length, input.at + 1 + random.below(longest));
    input.splitter.push(Buffer.from(input.bytes.subarray(input.at, to)));
    input.at = to;
    while (input.splitter.next(record)) teb.contribute(record);
    open = open.filter(({ bytes, at }) => at < bytes.length);
  }
  for (const { splitter } of inputs) splitter.end();
  teb.end();
  return teb.lines;
}

t.test('scenarios of what happened', needsShared('data', 'teb'), async (t) => {
  const valueOnly = scenarioNames('scn').filter(
    (name) => readConfig(new Scenario(name).configFile).trigger?.kind === 'value',
  );
  t.ok(valueOnly.length >= 10);
  for (const name of valueOnly) {
    const scenario = new Scenario(name);
    const expected = scenario
      .expected()
      .filter(({ bypass }) => bypass === 0)
      .map(comparable);
    for (let seed = 1; seed <= 12; seed++) {
      t.strictSame(play(scenario, seed).map(comparable), expected, `${name}, seed ${seed}`);
    }
  }
});

t.test('scenarios of what arrived: decisions, why, and rejections by name', needsShared('data', 'teb'), async (t) => {
  for (const name of scenarioNames('arr.jsonl')) {
    const scenario = new Scenario(name);
    const teb = new PureTeb(readConfig(scenario.configFile));
    const record = new EbDgram();
    for (const one of scenario.arrivals()) {
      const bytes = contributionRecord(one);
      teb.contribute(record.move(bytes, 0, bytes.length));
    }
    teb.end();
    const withWhy = (lines: readonly { why?: string }[]) =>
      lines.map((line) => [comparable(line as DecisionLine), line.why]);
    t.strictSame(withWhy(teb.lines), withWhy(scenario.expected() as { why?: string }[]), name);
    const { rejected, fixedUp } = teb.builder.counts;
    const counted = { ...rejected, fixed_up: fixedUp };
    const nonzero = Object.fromEntries(Object.entries(counted).filter(([, count]) => count > 0));
    t.strictSame(nonzero, JSON.parse(readFileSync(join(SCENARIOS, `${name}.counters.json`), 'utf8')), name);
  }
});

t.test('every receiver joins its events with exactly the expected decisions', needsShared('data', 'teb'), async (t) => {
  for (const name of scenarioNames('scn')) {
    const scenario = new Scenario(name);
    const expected = scenario.expected();
    for (const { id, alias } of scenario.config.drps) {
      const random = new Random(id + 1);
      const joiner = new Joiner({ common: scenario.config.common, buffers: 100 });
      const events = scenario.seenBy(id);
      const results = expected.filter(({ bypass, recv }) => bypass === 0 && recv.includes(id)).map(resultBytes);
      const record = new ResultRecord();
      const lines: unknown[] = [];
      let [event, result] = [0, 0];
      while (event < events.length || result < results.length) {
        if (result < results.length && (event === events.length || random.chance(0.5))) {
          joiner.result(0, record.move(results[result]!, 0, results[result]!.length));
          result++;
        } else if (event < events.length) {
          const { pid, rogs, svc = 12, keep = 0 } = events[event]!;
          if (joiner.event(pid, rogs | (keep << 22) | (svc << 24), 0)) event++;
          else if (result === results.length) joiner.resultsEnded(0);
        }
        drain(joiner, id, lines);
      }
      joiner.resultsEnded(0);
      drain(joiner, id, lines);
      const right = expected.filter(({ to }) => to.includes(id)).map((line) => KEYS.map((key) => line[key]));
      t.strictSame(lines, right, `${name} ${alias}`);
      t.equal(joiner.counts.noDecision, 0);
      t.equal(joiner.counts.recorded + joiner.counts.discarded, events.length);
    }
  }
});

function drain(joiner: Joiner, receiver: number, lines: unknown[]): void {
  for (let fate: Fate | undefined = joiner.next(0); fate !== undefined; fate = joiner.next(0)) {
    const line = fate.line(receiver);
    lines.push(KEYS.map((key) => line[key]));
  }
}
