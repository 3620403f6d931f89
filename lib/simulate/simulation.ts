/**
 * A run being played: one schedule, one lane per output. Synchronous and without files or clocks of the machine; whoever drives it
 * decides when the next moment comes and where the bytes go.
 */

import type { Balance } from '../cli/balance.ts';
import { SERVICE } from '../xtc/service.ts';
import type { RunDescription } from './description.ts';
import { describeRun } from './document.ts';
import { Injector } from './injection.ts';
import { Lane } from './lane.ts';
import type { Moment } from './moment.ts';
import { OutBlock } from './out-block.ts';
import type { Overrides } from './overrides.ts';
import { Schedule } from './schedule.ts';
import { contributorsOf } from './units.ts';
import { WholeDgrams } from './whole-dgrams.ts';

export class Simulation {
  readonly run: RunDescription;
  /** One per output, by ascending node id; exactly one if event-built. */
  readonly lanes: readonly Lane[];
  /** Events that no contributor delivered. */
  lost = 0;
  /** Contributions that were lost, and events with damage of any kind. */
  lostContributions = 0;
  damaged = 0;
  private readonly schedule: Schedule;
  private readonly injector: Injector;

  /** @throws DataError `bad-description`, `bad-names` */
  constructor(run: RunDescription) {
    this.run = run;
    const contributors = contributorsOf(run);
    this.lanes = run.eventBuilt
      ? [new Lane(run, { contributors, nested: true }, true)]
      : contributors.map((one, i) => new Lane(run, { contributors: [one], nested: false }, i === 0));
    this.injector = new Injector(run, contributors);
    this.schedule = new Schedule({ ...run, steps: run.steps.count });
  }

  get moment(): Moment {
    return this.schedule.moment;
  }

  /** Moves to the next moment; false when the run is over. */
  next(): boolean {
    return this.schedule.next();
  }

  /** Ends the run in order: Disable, EndStep and EndRun still come. */
  stop(): void {
    this.schedule.stop();
  }

  /**
   * Writes the dgrams of this moment.
   * @param outs one per lane; undefined for outputs that have been closed
   * @param written told of every dgram: lane number and size
   */
  write(outs: readonly (OutBlock | undefined)[], written?: (lane: number, size: number) => void): void {
    const { moment, injector, lanes } = this;
    const isEvent = moment.service === SERVICE.L1Accept;
    const injected = isEvent && injector.active && injector.draw(moment) ? injector : undefined;
    let delivered = 0;
    for (let lane = 0; lane < lanes.length; lane++) {
      const out = outs[lane];
      // A closed output's contributor still took part in the event.
      if (!out) {
        if (!isEvent || lanes[lane]!.takesPart(moment)) delivered++;
        continue;
      }
      const size = lanes[lane]!.write(moment, out, injected);
      if (size === 0) continue;
      delivered++;
      written?.(lane, size);
    }
    if (injected) {
      this.damaged++;
      this.lostContributions += injected.lost.size;
    }
    if (isEvent && delivered === 0) this.lost++;
  }

  /** Triggers = events + what became of the others. */
  get balance(): Balance {
    const { triggers, events, overtaken, bypassed } = this.schedule;
    return {
      in: triggers,
      out: events - this.lost,
      losses: {
        'slow-update': overtaken,
        'no-common-group': bypassed,
        'lost-by-all': this.lost,
      },
      info: { 'contributions lost': this.lostContributions, 'events with damage': this.damaged },
    };
  }

  /** L1Accepts so far. */
  get events(): number {
    return this.schedule.events - this.lost;
  }
}

export interface SimulateOptions {
  /** What replaces values of the description, for example `{ events: 10, seed: 7 }`. */
  overrides?: Overrides;
  /** Node id of the stream wanted. Default: the only one, or the first. */
  stream?: number;
}

/**
 * The dgrams of one stream, each in memory of its own.
 * @param description as in YAML, for example `{ events: 3, detectors: [{ kind: 'gmd' }] }`
 * @throws DataError `bad-description`
 */
export function* simulateRun(description: unknown, options: SimulateOptions = {}): Generator<Buffer> {
  const simulation = new Simulation(describeRun(description, options.overrides));
  const wanted = options.stream ?? simulation.lanes[0]!.node;
  for (const dgrams of play(simulation)) {
    const dgram = dgrams.get(wanted);
    if (dgram) yield dgram;
  }
}

/** All streams of a partition: what each has at each moment, by node id. Streams without data at a moment are missing. */
export function* simulateStreams(description: unknown, overrides?: Overrides): Generator<ReadonlyMap<number, Buffer>> {
  yield* play(new Simulation(describeRun(description, overrides)));
}

function* play(simulation: Simulation): Generator<Map<number, Buffer>> {
  const { lanes } = simulation;
  const takers = lanes.map(() => new WholeDgrams());
  const outs = takers.map((taker) => new OutBlock(taker));
  while (simulation.next()) {
    simulation.write(outs);
    const dgrams = new Map<number, Buffer>();
    outs.forEach((out, lane) => {
      out.settle();
      const dgram = takers[lane]!.take();
      if (dgram) dgrams.set(lanes[lane]!.node, Buffer.from(dgram));
    });
    yield dgrams;
  }
}
