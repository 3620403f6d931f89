import t from 'tap';
import { Counters } from '../../lib/drp/counters.ts';
import { Emitter } from '../../lib/drp/emitter.ts';
import { Pool } from '../../lib/drp/pool.ts';
import type { DrpOptions } from '../../lib/drp/types.ts';
import { Worker } from '../../lib/drp/worker.ts';
import { DataError } from '../../lib/errors.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { DGRAM } from '../../lib/xtc/layout.ts';
import { makeEnv, SERVICE } from '../../lib/xtc/service.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';
import { Random } from '../random.ts';
import { type Faults, SimulatedLink, SimulatedTime } from './simulated-workers.ts';

const SCHEDULES = Number(process.env.SCHEDULES ?? 150);
const MOST_STEPS = 200_000;
/** Milliseconds, little more than half of what a simulated worker takes to be where the others are. */
const KILL_EVERY = 6;
/** If both had to be up at the same time at a transition, it would take ten times as many. */
const MOST_KILLS = 6000;
const NO_FAULTS: Faults = { die: 0, hang: 0, lie: 0, fail: 0, short: 0 };
const STATE: ReadonlySet<number> = new Set([
  SERVICE.Configure,
  SERVICE.BeginRun,
  SERVICE.BeginStep,
  SERVICE.Enable,
  SERVICE.SlowUpdate,
]);

function optionsOf(changes: Partial<DrpOptions>): DrpOptions {
  return {
    script: 'script.py',
    scriptArgs: [],
    workers: 2,
    transport: 'sysv',
    identity: { partition: 0, detName: 'd', segment: 0, detType: '', detId: '', instrument: '' },
    instance: undefined,
    ipcMode: 0o600,
    ipcEphemeral: false,
    slots: 3,
    batch: 8,
    pebble: 256,
    maxTransition: 256,
    timeout: 300,
    beginRunTimeout: 1000,
    restarts: 1_000_000,
    restartPause: 0,
    onOversize: 'abort',
    oversizeKeep: 'none',
    onWorkerFailure: 'damage',
    raw: 'script',
    prescaleRaw: 0,
    triggerBytes: 0,
    verifyEvery: 0,
    allowDrop: false,
    constants: undefined,
    calib: undefined,
    calibMissing: 'error',
    supervisor: '',
    verbose: 0,
    ...changes,
  };
}

/** Two cycles with steps, slow updates and events; the nanoseconds count the dgrams. */
function makeInput(random: Random): Dgram[] {
  const writer = new DgramWriter();
  const input: Dgram[] = [];
  const put = (service: number) => {
    writer.begin({ sec: 1, nsec: input.length + 1, env: makeEnv(service, 1), src: 1 });
    input.push(new Dgram(Buffer.from(writer.finish())));
  };
  for (let cycle = 0; cycle < 2; cycle++) {
    for (const service of [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable]) put(service);
    for (let left = random.below(40); left > 0; left--)
      put(random.below(10) === 0 ? SERVICE.SlowUpdate : SERVICE.L1Accept);
    for (const service of [SERVICE.Disable, SERVICE.EndStep, SERVICE.EndRun, SERVICE.Unconfigure]) put(service);
  }
  return input;
}

class Simulation {
  readonly time = new SimulatedTime();
  readonly counters = new Counters();
  readonly links: SimulatedLink[] = [];
  readonly pool: Pool;
  readonly written: number[] = [];
  readonly input: Dgram[];
  private readonly random: Random;
  private required = 0;
  private views: Buffer[] = [];

  constructor(seed: number, faults: Faults, changes: Partial<DrpOptions> = {}) {
    const random = new Random(seed);
    const options = optionsOf({ workers: 1 + random.below(4), slots: 2 + random.below(3), ...changes });
    this.random = random;
    this.input = makeInput(random);
    const sink = { bytes: (view: Buffer) => void this.views.push(view) };
    this.pool = new Pool({
      options,
      counters: this.counters,
      emitter: new Emitter(options, this.counters, sink, undefined, () => {}),
      clock: this.time,
      say: () => {},
      drain: () => this.drain(),
      workers: (events) =>
        Array.from({ length: options.workers }, (_, index) => {
          const link = new SimulatedLink(this.time, random, faults, options.slots, () => this.required);
          this.links.push(link);
          return new Worker({ index, link, spawn: () => link.spawn(), events, clock: this.time });
        }),
    });
  }

  /** The views are read when the sink has had its time, as a slow consumer would. */
  private async drain(): Promise<void> {
    const { views } = this;
    this.views = [];
    await this.time.sleep(this.random.below(10));
    for (const view of views) this.written.push(view.readUInt32LE(DGRAM.nsec));
  }

  async run(): Promise<void> {
    const { pool } = this;
    try {
      await pool.start();
      for (const dgram of this.input) {
        if (dgram.service === SERVICE.L1Accept) while (!pool.tryEvent(dgram)) await pool.room();
        else await pool.transition(dgram);
        if (STATE.has(dgram.service)) this.required = dgram.nsec;
        if (this.random.below(8) === 0) pool.flush();
      }
      await pool.idle();
      await pool.stop();
    } catch (error) {
      pool.kill();
      throw error;
    }
  }

  /** Runs to the end. @returns what made it fail; throws when it is stuck */
  async finish(meanwhile: (step: number) => void = () => {}): Promise<Error | undefined> {
    let end: { error: Error | undefined } | undefined;
    this.run().then(
      () => {
        end = { error: undefined };
      },
      (error: Error) => {
        end = { error };
      },
    );
    for (let step = 0; end === undefined; step++) {
      if (step > MOST_STEPS) throw new Error('stuck');
      await this.time.step();
      meanwhile(step);
    }
    return end.error;
  }

  /** What is wrong with the output, or an empty text. */
  account(): string {
    const { counters, written, input } = this;
    const taken = counters.in - counters.out - counters.aborted;
    if (taken !== 0) return `the balance is open by ${taken}`;
    const misplaced = written.findIndex((nsec, i) => nsec !== input[i]!.nsec);
    if (misplaced >= 0) return `dgram ${misplaced} is out of place`;
    if (this.links.some(({ closed }) => !closed)) return 'a link was left open';
    return this.links.some(({ process }) => process?.alive) ? 'a process was left running' : '';
  }
}

function faultsOf(seed: number): Faults {
  const random = new Random(seed ^ 0x5bd1e995);
  const some = (most: number) => (random.chance(0.5) ? (random.below(1000) / 1000) * most : 0);
  return { die: some(0.4), hang: some(0.03), lie: some(0.1), fail: some(0.2), short: some(0.5) };
}

/** Runs many schedules; the first seed that goes wrong is named. */
async function explore(
  t: { fail(words: string): void; pass(words: string): void },
  wrongWith: (seed: number) => Promise<string>,
): Promise<void> {
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    let wrong: string;
    try {
      wrong = await wrongWith(seed);
    } catch (error) {
      wrong = (error as Error).stack ?? String(error);
    }
    if (wrong !== '') {
      t.fail(`seed ${seed}: ${wrong}`);
      return;
    }
  }
  t.pass(`${SCHEDULES} schedules`);
}

t.test('without faults everything is out, in order', (t) =>
  explore(t, async (seed) => {
    const simulation = new Simulation(seed, { ...NO_FAULTS, short: seed % 2 === 0 ? 0.3 : 0 });
    const error = await simulation.finish();
    const missing = simulation.input.length - simulation.written.length;
    return error?.message ?? (missing === 0 ? simulation.account() : `${missing} dgrams are missing`);
  }),
);

t.test('workers die, hang, lie and fail at any point of their lives: every input is out once, in order', (t) =>
  explore(t, async (seed) => {
    const simulation = new Simulation(seed, faultsOf(seed));
    const error = await simulation.finish();
    const missing = simulation.input.length - simulation.written.length;
    return error?.stack ?? (missing === 0 ? simulation.account() : `${missing} dgrams are missing`);
  }),
);

t.test('all workers are killed at once, again and again', (t) =>
  explore(t, async (seed) => {
    const simulation = new Simulation(seed, NO_FAULTS);
    const random = new Random(seed);
    let kills = 10;
    const error = await simulation.finish(() => {
      if (kills === 0 || !random.chance(0.1)) return;
      kills--;
      for (const { process } of simulation.links) process?.end('SIGKILL');
    });
    const missing = simulation.input.length - simulation.written.length;
    return error?.stack ?? (missing === 0 ? simulation.account() : `${missing} dgrams are missing`);
  }),
);

t.test(
  'workers are killed in turn for ever, so that they are hardly ever up together: it goes on all the same',
  async (t) => {
    let kills = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = new Simulation(seed, NO_FAULTS, { workers: 2 });
      const killOne = () => {
        simulation.links[kills++ % 2]!.process?.end('SIGKILL');
        simulation.time.in(KILL_EVERY, killOne);
      };
      simulation.time.in(KILL_EVERY, killOne);
      t.equal(await simulation.finish(), undefined);
      t.equal(simulation.written.length, simulation.input.length);
      t.equal(simulation.account(), '');
    }
    t.ok(kills < MOST_KILLS, `${kills} kills`);
  },
);

t.test('few restarts: it ends, by itself or with its reason, and the balance is closed', (t) =>
  explore(t, async (seed) => {
    const simulation = new Simulation(seed, faultsOf(seed), { restarts: 2, restartPause: 500 });
    const error = await simulation.finish();
    if (error && !(error instanceof DataError)) return error.stack ?? error.message;
    return simulation.account();
  }),
);

t.test('a worker that hangs at every Configure does not keep the command for ever', async (t) => {
  const simulation = new Simulation(1, { ...NO_FAULTS, hang: 0 }, { workers: 1, restarts: 5, restartPause: 4000 });
  const [link] = simulation.links;
  const post = link!.post.bind(link);
  link!.post = (message) => {
    if (message.kind !== 'dgrams') post(message);
  };
  const error = await simulation.finish();
  t.match(error, { code: 'restarts-used-up' });
  t.equal(simulation.account(), '');
});

t.test('a stop is asked for, and then everything is killed, at any time', (t) =>
  explore(t, async (seed) => {
    const simulation = new Simulation(seed, faultsOf(seed));
    const hurryAt = new Random(seed).below(60);
    const killAt = hurryAt + new Random(seed + 1).below(60);
    const error = await simulation.finish((step) => {
      if (step === hurryAt) simulation.pool.hurry(200);
      if (step === killAt) simulation.pool.kill();
    });
    if (error && !(error instanceof DataError)) return error.stack ?? error.message;
    // What a process that is being killed has left to do must not come back.
    for (let left = 40; left > 0; left--) await simulation.time.step().catch(() => {});
    if (simulation.links.some(({ resetsAfterEnd }) => resetsAfterEnd > 0)) return 'objects were made after the end';
    return simulation.links.some(({ process }) => process?.alive) ? 'a process was left running' : '';
  }),
);
