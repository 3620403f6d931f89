/** What records must say, worked out flat over the events that were included. It knows no states, no merging and no colours. */

import type { HeartbeatRecord } from '../../lib/graph/run/global-side.ts';
import { type Value, valueToJson } from '../../lib/graph/value.ts';

export interface SimulatedEvent {
  readonly number: number;
  readonly heartbeat: number;
  /** Configures before it. */
  readonly run: number;
  readonly x: number | undefined;
  readonly key: number;
}

const GROUP = 5;
const BUFFER = 7;
const BINS = 7;

export class Oracle {
  readonly #events: SimulatedEvent[] = [];
  readonly #configuredAfter: number[] = [];
  readonly #included = new Set<number>();
  readonly #expected: { from: number; workers: ReadonlySet<number> }[] = [];
  #heartbeat = 0;
  #dealt = 0;
  #counted = 0;
  #waiting: SimulatedEvent[] = [];
  #run = 0;

  /** From heartbeat `from` on these workers are expected. */
  expect(from: number, workers: ReadonlySet<number>): void {
    this.#expected.push({ from, workers });
  }

  event(event: SimulatedEvent): void {
    this.#events.push(event);
  }

  configure(after: number): void {
    this.#configuredAfter.push(after);
  }

  /** @returns what is wrong with the record, in words */
  check(record: HeartbeatRecord): string[] {
    const wrong: string[] = [];
    const expect = (name: string, got: unknown, wanted: unknown) => {
      const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
      if (a !== b) wrong.push(`heartbeat ${record.heartbeat}: ${name} is ${a}, not ${b}`);
    };
    this.#heartbeat++;
    expect('its number', record.heartbeat, this.#heartbeat);
    const dealt = this.#events.filter(({ heartbeat }) => heartbeat === record.heartbeat);
    expect('dealt', record.dealt, dealt.length);
    this.#dealt += record.dealt;
    const before = [...this.#included].sort((a, b) => a - b);
    const numbers = (record.outputs.get('all.buffer') as readonly number[] | undefined) ?? before;
    const fresh = numbers
      .filter((number) => !this.#included.has(number))
      .map((number) => this.#events[number] as SimulatedEvent);
    for (const { number } of fresh) this.#included.add(number);
    expect(
      'all included events, each once and in order',
      numbers,
      [...this.#included].sort((a, b) => a - b),
    );
    this.#counted += record.included;
    expect('included', record.included, fresh.length);
    expect('late', record.late, fresh.filter(({ heartbeat }) => heartbeat !== record.heartbeat).length);
    const expected = this.#expected.findLast(({ from }) => from <= record.heartbeat)?.workers;
    expect(
      'missing workers that nobody expected',
      record.missing.filter((worker) => !expected?.has(worker)),
      [],
    );
    expect('closed', record.closed === 'complete', record.missing.length === 0);
    this.#checkOutputs(record, fresh, expect);
    return wrong;
  }

  #checkOutputs(
    record: HeartbeatRecord,
    fresh: readonly SimulatedEvent[],
    expect: (name: string, got: unknown, wanted: unknown) => void,
  ): void {
    const run = this.#configuredAfter.filter((after) => after < record.heartbeat).length;
    if (run !== this.#run) this.#waiting = [];
    this.#run = run;
    const all = [...this.#included].sort((a, b) => a - b).map((number) => this.#events[number] as SimulatedEvent);
    const withX = (events: readonly SimulatedEvent[]) => events.filter(({ x }) => x !== undefined);
    const now = withX(all).filter((event) => event.run === run);
    const news = withX(fresh).filter((event) => event.run === run);
    const given = (name: string, used: readonly SimulatedEvent[], value: () => unknown) => {
      const got = record.outputs.get(name) as Value | undefined;
      expect(name, got === undefined ? undefined : valueToJson(got), used.length > 0 ? value() : undefined);
    };
    const x = (event: SimulatedEvent) => event.x as number;
    const sum = (events: readonly SimulatedEvent[]) => events.reduce((total, event) => total + x(event), 0);
    given('acc.count', news, () => now.length);
    given('acc.value', news, () => sum(now));
    given('ever.value', withX(fresh), () => sum(withX(all)));
    const good = (events: readonly SimulatedEvent[]) => events.filter((event) => x(event) < 90);
    given('ok.value', good(news), () => Math.max(...good(now).map(x)));
    given('roll.buffer', news, () => now.slice(-BUFFER).map(x));
    given('roll.count', news, () => now.length);
    given('last.value', news, () => x(now.at(-1) as SimulatedEvent));
    const keys = [...new Set(now.map(({ key }) => key))].sort((a, b) => a - b);
    given('scan.keys', news, () => keys);
    given('scan.count', news, () => keys.map((key) => now.filter((event) => event.key === key).length));
    const odd = (events: readonly SimulatedEvent[]) => events.filter((event) => x(event) % 2 === 1);
    given('hist.counts', odd(news), () => histogram(odd(now).map(x)));
    this.#waiting = [...this.#waiting, ...odd(news)].sort((a, b) => a.number - b.number);
    const complete = Math.floor(this.#waiting.length / GROUP) * GROUP;
    const group = this.#waiting.slice(Math.max(0, complete - GROUP), complete);
    this.#waiting = this.#waiting.slice(complete);
    given('pick.list', group, () => group.map(x));
  }

  /** At the end. @param lost numbers of the events that no message brought to the global collector */
  finish(lost: ReadonlySet<number>): string[] {
    const wrong: string[] = [];
    if (this.#dealt !== this.#events.length)
      wrong.push(`${this.#dealt} events were dealt by records, ${this.#events.length} really`);
    if (this.#counted + lost.size !== this.#events.length)
      wrong.push(`${this.#counted} included and ${lost.size} lost are not ${this.#events.length} events`);
    for (const number of lost) if (this.#included.has(number)) wrong.push(`event ${number} was lost and is included`);
    return wrong;
  }
}

function histogram(values: readonly number[]): unknown {
  const data = new Array<number>(BINS).fill(0);
  for (const value of values) data[Math.min(BINS - 1, Math.floor((value * BINS) / 100))]!++;
  return { $array: 'int64', shape: [BINS], data };
}
