/** One random schedule through the event builder and through the naive one; every verdict and every event must agree. */

import type { BuiltEvent } from '../../../lib/trigger/building/built-event.ts';
import { Contracts } from '../../../lib/trigger/building/contracts.ts';
import { EventBuilder } from '../../../lib/trigger/building/event-builder.ts';
import { contributionBytes, EbDgram, eventEnv, markerBytes } from '../../../lib/trigger/wire/eb-dgram.ts';
import { sourcesOf } from '../../../lib/trigger/wire/masks.ts';
import { Random } from '../../random.ts';
import { NaiveBuilder, type NaiveConfig, type NaiveContribution, type NaiveEvent } from './naive-builder.ts';

const [CONFIGURE, SLOW_UPDATE, L1] = [2, 10, 12];
const OTHER_TRANSITIONS = [1, 3, 4, 5, 6, 7, 8, 9];
const NEVER = Number.POSITIVE_INFINITY;

export interface Tally {
  steps: number;
  events: number;
  verdicts: Record<string, number>;
  whys: Record<string, number>;
  restarts: number;
}

export function zeroTally(): Tally {
  return { steps: 0, events: 0, verdicts: {}, whys: {}, restarts: 0 };
}

/** @returns what differs, or undefined */
export function playSchedule(seed: number, tally: Tally): string | undefined {
  return new Schedule(seed, tally).play();
}

class Schedule {
  private readonly random: Random;
  private readonly config: NaiveConfig;
  private readonly naive: NaiveBuilder;
  private readonly builder: EventBuilder;
  private readonly tally: Tally;
  /** What each source is about to send, in its order. */
  private readonly plans: NaiveContribution[][];
  private readonly blocked = new Map<number, NaiveContribution>();
  private readonly record = new EbDgram();
  private taken: BuiltEvent[] = [];
  private takenNaive = 0;
  private now = 0;
  private serial = 0;
  private pid = 100;
  private accepted = 0;
  private offered = 0;
  private lastLeft = -1;

  constructor(seed: number, tally: Tally) {
    this.random = new Random(seed);
    this.tally = tally;
    this.config = this.randomConfig();
    this.naive = new NaiveBuilder(this.config);
    const { common, sources, timeoutMs, skewTicks, deadAfterMs, maxOpen } = this.config;
    const drps = sources.map(({ id, group }) => ({ id, alias: `d${id}`, rog: group, buffers: 8 }));
    const finite = (limit: number) => (limit === NEVER ? 0 : limit);
    this.builder = new EventBuilder(new Contracts({ common, drps, contributors: drps.map(({ id }) => id) }), {
      maxOpen,
      timeoutMs: finite(timeoutMs),
      deadAfterMs: finite(deadAfterMs),
      skewTicks: skewTicks === NEVER ? undefined : skewTicks,
    });
    this.plans = sources.map(() => []);
  }

  play(): string | undefined {
    const steps = 20 + this.random.below(100);
    for (let step = 0; step < steps; step++) {
      const problem = this.step();
      if (problem !== undefined) return `step ${step}: ${problem}`;
    }
    this.both((builder) => builder.endAll(this.now));
    return this.compare() ?? this.balance();
  }

  private randomConfig(): NaiveConfig {
    const { random } = this;
    const common = random.below(8);
    const count = 1 + random.below(5);
    const ids = new Set<number>();
    while (ids.size < count) ids.add(random.chance(0.3) ? 28 + random.below(36) : random.below(8));
    const sources = [...ids]
      .sort((a, b) => a - b)
      .map((id) => ({ id, group: random.chance(0.5) ? common : random.below(8) }));
    sources[random.below(count)]!.group = common;
    return {
      common,
      sources,
      timeoutMs: random.chance(0.3) ? 5 + random.below(40) : NEVER,
      skewTicks: random.chance(0.3) ? random.below(60) : NEVER,
      deadAfterMs: random.chance(0.2) ? 3 + random.below(30) : NEVER,
      maxOpen: random.chance(0.3) ? 1 + random.below(6) : 65_536,
    };
  }

  private step(): string | undefined {
    const { random, tally } = this;
    tally.steps++;
    this.now += random.chance(0.3) ? random.below(4) : 0;
    const dice = random.below(100);
    const { sources } = this.config;
    const { id } = sources[random.below(sources.length)]!;
    if (dice < 3) this.both((builder) => builder.tick(this.now));
    else if (dice < 4) this.both((builder) => builder.lost(id, this.now));
    else if (dice < 5) this.both((builder) => builder.end(id, this.now));
    else if (dice < 10) this.giveBack();
    else if (dice < 11) this.planRestart();
    else {
      const problem = this.offer(random.below(sources.length));
      if (problem !== undefined) return problem;
    }
    return this.compare();
  }

  private both(action: (builder: EventBuilder | NaiveBuilder) => void): void {
    action(this.builder);
    action(this.naive);
  }

  /** One contribution of a source: planned, or blocked before, or something that should not be. */
  private offer(index: number): string | undefined {
    const { random, config, plans } = this;
    const source = config.sources[index]!.id;
    if (plans[index]!.length === 0) this.planEvents();
    const blocked = this.blocked.get(source);
    let one = blocked ?? plans[index]!.shift();
    if (one === undefined || (!blocked && random.chance(0.06))) one = this.oddity(source);
    const bytes = this.bytesOf(one);
    const real = this.builder.contribute(this.record.move(bytes, 3, bytes.length - 3), this.now);
    const right = this.naive.contribute(one, this.now);
    if (real !== right) return `${JSON.stringify(one)} is ${real} and should be ${right}`;
    this.tally.verdicts[real] = (this.tally.verdicts[real] ?? 0) + 1;
    if (real === 'full') this.blocked.set(source, one);
    else if (blocked) this.blocked.delete(source);
    if (real !== 'full' && !one.marker) this.offered++;
    if (real === 'accepted' || real === 'rogs_mismatch') this.accepted++;
    return undefined;
  }

  /** Puts an event, a transition or a marker into the plans of its sources, with losses, repetitions and changes of order. */
  private planEvents(): void {
    const { random, config } = this;
    this.pid += 1 + random.below(random.chance(0.1) ? 70 : 4);
    const dice = random.below(20);
    const service = dice < 16 ? L1 : dice < 17 ? SLOW_UPDATE : OTHER_TRANSITIONS[random.below(8)]!;
    let rogs = random.chance(0.95) ? 1 << config.common : 0;
    for (const { group } of config.sources) if (random.chance(0.4)) rogs |= 1 << group;
    for (const [index, { id, group }] of config.sources.entries()) {
      const isMember = (service !== L1 && service !== SLOW_UPDATE) || rogs & (1 << group);
      if (!isMember) {
        if (random.chance(0.2)) this.plans[index]!.push(this.marker(id));
        continue;
      }
      if (random.chance(0.06)) continue;
      const one = this.contribution(id, this.pid, service, random.chance(0.98) ? rogs : rogs | random.below(256));
      const plan = this.plans[index]!;
      plan.push(one);
      if (random.chance(0.03)) plan.push(one);
      if (plan.length > 1 && random.chance(0.02)) plan.splice(random.below(plan.length), 0, plan.pop()!);
    }
  }

  /** Everybody begins a new run, with smaller pids. */
  private planRestart(): void {
    const { random, config } = this;
    this.tally.restarts++;
    this.pid = 1 + random.below(this.pid);
    for (const [index, { id }] of config.sources.entries()) {
      const configure = this.contribution(id, this.pid, CONFIGURE, 1 << config.common);
      this.plans[index]!.push(...(random.chance(0.95) ? [configure] : []));
    }
  }

  private oddity(source: number): NaiveContribution {
    const { random } = this;
    const pid = Math.max(0, this.pid - 40 + random.below(60));
    const service = random.chance(0.8) ? L1 : random.chance(0.3) ? CONFIGURE : random.below(16);
    if (random.chance(0.2)) return { ...this.marker(source), pid };
    const from = random.chance(0.1) ? random.below(80) : source;
    return this.contribution(from, pid, service, random.below(256));
  }

  private marker(source: number): NaiveContribution {
    return { ...this.contribution(source, this.pid, 0, 0), damage: 0, marker: true };
  }

  private contribution(source: number, pid: number, service: number, rogs: number): NaiveContribution {
    const damage = this.random.chance(0.05) ? 1 << this.random.below(16) : 0;
    return { source, pid, service, rogs, damage, marker: false, serial: ++this.serial };
  }

  /** Three bytes of something else, then the record; its payload is its serial number. */
  private bytesOf({ source, pid, service, rogs, damage, marker, serial }: NaiveContribution): Buffer {
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(serial);
    const header = { pid, seconds: 1, nanoseconds: 2, env: eventEnv(rogs, service), src: source, damage };
    return Buffer.concat([Buffer.alloc(3), marker ? markerBytes(source, pid) : contributionBytes(header, payload)]);
  }

  /** Takes everything that is closed, and compares it with the naive builder's. */
  private compare(): string | undefined {
    for (let event = this.builder.next(); event !== undefined; event = this.builder.next()) {
      const right = this.naive.held[this.takenNaive++];
      const problem = right ? this.differences(event, right) : 'an event too many';
      if (problem !== undefined) return `${right?.pid}: ${problem}`;
      this.taken.push(event);
      if (event.service !== CONFIGURE && event.pid <= this.lastLeft)
        return `order: ${event.pid} after ${this.lastLeft}`;
      this.lastLeft = event.pid;
      this.tally.events++;
      this.tally.whys[event.why] = (this.tally.whys[event.why] ?? 0) + 1;
    }
    if (this.takenNaive < this.naive.held.length) return `event ${this.naive.held[this.takenNaive]!.pid} did not leave`;
    if (this.builder.awaited !== this.naive.awaited)
      return `waits for ${this.builder.awaited}, not ${this.naive.awaited}`;
    if (this.builder.openEvents !== this.naive.open.length) return 'number of open events';
    const bound = this.config.maxOpen + this.config.sources.length;
    return this.builder.openEvents + this.taken.length > bound ? `more events than ${bound}` : undefined;
  }

  private differences(event: BuiltEvent, right: NaiveEvent): string | undefined {
    const real = {
      pid: event.pid,
      service: event.service,
      rogs: event.rogs,
      missing: sourcesOf(event.missingLow, event.missingHigh),
      built: sourcesOf(event.presentLow, event.presentHigh).map((id) => [id, event.bytes(id)!.readUInt32LE(32)]),
      damage: event.damage,
      why: event.why,
    };
    const { pid, service, rogs, missing, damage, why } = right;
    const wanted = { pid, service, rogs, missing, built: [...right.built].sort((a, b) => a[0] - b[0]), damage, why };
    const [one, other] = [JSON.stringify(real), JSON.stringify(wanted)];
    return one === other ? undefined : `${one} should be ${other}`;
  }

  private giveBack(): void {
    const count = this.random.below(this.taken.length + 1);
    this.builder.release(count);
    this.taken.splice(0, count);
    this.naive.held.splice(0, count);
    this.takenNaive -= count;
  }

  private balance(): string | undefined {
    const { contributions, accepted, rejected, built } = this.builder.counts;
    const { rogs_mismatch, ...lost } = rejected;
    const sum = accepted + Object.values(lost).reduce((a, b) => a + b, 0);
    if (contributions !== this.offered || sum !== this.offered) return `${this.offered} came, ${sum} are accounted for`;
    if (accepted !== this.accepted || built !== accepted) return `${accepted} accepted, ${built} built`;
    return this.builder.openEvents === 0 ? undefined : 'events stay open at the end';
  }
}
