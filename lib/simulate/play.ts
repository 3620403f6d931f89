/** Plays a simulation into its outputs: pacing, back-pressure, chunks, and an end in order. */

import { setTimeout as sleep } from 'node:timers/promises';
import { OutputClosed } from '../cli/output.ts';
import { SERVICE } from '../xtc/service.ts';
import { LaneOutput } from './lane-output.ts';
import { type OutputOptions, targetsOf } from './outputs.ts';
import { type Pace, Pacer } from './pacer.ts';
import type { Simulation } from './simulation.ts';
import { startsChunk } from './transitions.ts';

export interface PlayOptions {
  pace?: Pace;
  /** Ends the run in order. */
  stop: AbortSignal;
  /** Told now and then, and at the end. */
  progress?: (bytes: number) => void;
}

export interface Played {
  /** Files, pipes and sockets written. */
  names: readonly string[];
  /** Readers that went away before the end. */
  gone: readonly string[];
  /** One of them was a socket's, and dgrams were under way. */
  lost: boolean;
  /** Seconds by which the run was late at its end, if it was paced. */
  late: number;
}

/** Time after which signals and timers get a turn, also while files take everything at once. */
const TURN_MS = 20;

/**
 * Plays the whole run.
 * @throws OutputClosed if all readers have gone; UsageError, DaqError `output-failed`
 */
export async function play(simulation: Simulation, outputs: OutputOptions, options: PlayOptions): Promise<Played> {
  const targets = targetsOf(simulation, outputs);
  const lanes: LaneOutput[] = [];
  try {
    // All at once: the readers of named pipes may come in any order.
    for (const opened of await Promise.allSettled(targets.map((target) => LaneOutput.open(target)))) {
      if (opened.status === 'rejected') throw opened.reason;
      lanes.push(opened.value);
    }
    const late = await run(simulation, lanes, options);
    for (const lane of lanes) await lane.close();
    const gone = lanes.filter(({ block }) => !block);
    const lost = lanes.some((lane) => lane.lost);
    if (gone.length === lanes.length && !lost) throw new OutputClosed();
    return { names: lanes.flatMap(({ names }) => names), gone: gone.flatMap(({ names }) => names), lost, late };
  } finally {
    // Does nothing to what has been closed.
    for (const lane of lanes) lane.abandon();
  }
}

async function run(
  simulation: Simulation,
  lanes: LaneOutput[],
  { pace, stop, progress }: PlayOptions,
): Promise<number> {
  const pacer = pace && new Pacer(pace);
  const written = (lane: number, size: number) => lanes[lane]!.written(size);
  const bytes = () => simulation.lanes.reduce((sum, lane) => sum + lane.bytes, 0);
  let blocks = lanes.map(({ block }) => block);
  let turn = performance.now();
  let late = 0;
  const flush = async () => {
    await Promise.all(lanes.map((lane) => lane.flush()));
    blocks = lanes.map(({ block }) => block);
    if (blocks.every((block) => !block)) {
      if (!lanes.some((lane) => lane.lost)) throw new OutputClosed();
      // Nobody is left, and that must be said: what follows is for nobody.
      simulation.stop();
    }
    progress?.(bytes());
    if (performance.now() - turn > TURN_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      turn = performance.now();
    }
    if (stop.aborted) simulation.stop();
  };
  if (stop.aborted) simulation.stop();
  while (simulation.next()) {
    const { moment } = simulation;
    if (pacer) {
      const wait = pacer.untilDue(moment, performance.now());
      late = Math.max(0, -wait / 1000);
      if (wait > 0 && !stop.aborted) {
        await flush();
        await pause(wait, stop);
        if (stop.aborted) simulation.stop();
      }
    }
    simulation.write(blocks, written);
    if (moment.service === SERVICE.Enable && startsChunk(simulation.run, moment.step)) {
      await Promise.all(lanes.map((lane) => lane.nextChunk()));
    }
    if (lanes.some(isFull)) await flush();
  }
  return late;
}

const isFull = (lane: LaneOutput): boolean => lane.full;

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
