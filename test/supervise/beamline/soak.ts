/** A beamline under supervision, of which random processes are killed at random times; then what became of every pulse. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../random.ts';
import { until } from '../runs.ts';
import { type Account, accountOf, concerns, DETECTORS, KEEPER, type Kill } from './account.ts';
import { Beamline } from './beamline.ts';

export interface SoakOptions {
  readonly seed: number;
  /** How long, or who is killed, one after the other, each in a run that has recorded something. */
  readonly until: { readonly seconds: number } | { readonly victims: readonly string[] };
  readonly say: (line: string) => void;
}

export interface Soaked {
  readonly kills: readonly Kill[];
  readonly account: Account;
  /** Whatever is wrong, the account's problems included. */
  readonly problems: readonly string[];
}

const LONGEST_PAUSE_MS = 6000;

export async function soak(options: SoakOptions): Promise<Soaked> {
  const beamline = new Beamline();
  let kept = false;
  try {
    await begin(beamline);
    const kills = await killAtRandom(beamline, options);
    await allRun(beamline);
    const stopped = await beamline.run('stop');
    const account = await accountOf(beamline.recorded, beamline.logs, kills);
    const problems = [
      ...account.problems,
      ...(await fileProblems(beamline, kills)),
      ...(await beamline.remains()),
      ...(stopped.status === 0 ? [] : [`stop ended with ${stopped.status}: ${stopped.stdout}${stopped.stderr}`]),
    ];
    kept = problems.length > 0;
    if (kept) options.say(`everything is left in ${beamline.folder}`);
    return { kills, account, problems };
  } finally {
    if (!kept) await beamline.clear();
  }
}

async function killAtRandom(beamline: Beamline, { seed, until: limit, say }: SoakOptions): Promise<Kill[]> {
  const { seconds = 0, victims } = { seconds: undefined, victims: undefined, ...limit };
  const random = new Random(seed);
  const kills: Kill[] = [];
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const wanted = victims?.[kills.length];
    const pause = random.below(LONGEST_PAUSE_MS);
    if (victims ? wanted === undefined : performance.now() + pause > end) break;
    await sleep(pause);
    // Whoever counts runs wants each to have left something.
    if (victims) await underWay(beamline);
    const view = await beamline.view();
    const all = beamline.members(view);
    if (all.length === 0) continue;
    const members = wanted === undefined ? all : all.filter(({ id, leads }) => leads && id === wanted);
    const victim = members[random.below(members.length)]!;
    const changing = view.some(({ state }) => state !== 'running');
    const kill = { id: victim.id, leads: victim.leads, run: beamline.runNumber, changing, at: Date.now() };
    if (!killed(victim.pid)) continue;
    kills.push(kill);
    say(`run ${kill.run}: killed ${victim.id}${victim.leads ? '' : `, its child ${victim.program}`} (${victim.pid})`);
    await until(() => !beamline.processes().includes(victim.pid), `the end of ${victim.id}`);
    if (victim.id === KEEPER) {
      await until(() => beamline.processes().length === 0, 'the end of everybody');
      await begin(beamline);
    }
    // Now and then the next one is killed while others still come up.
    if (victims || random.below(3) > 0) await allRun(beamline);
  }
  if (victims) await underWay(beamline);
  else await sleep(Math.max(0, end - performance.now()));
  return kills;
}

/** Everybody has written of the run under way. */
async function underWay(beamline: Beamline): Promise<void> {
  const streams = () => beamline.recordedOf(beamline.runNumber);
  await until(() => streams() === DETECTORS.length, 'a file of every stream');
}

async function begin(beamline: Beamline): Promise<void> {
  const { status, stdout, stderr } = await beamline.run('start');
  if (status !== 0) throw new Error(`start: ${stdout}${stderr}`);
}

/** @returns false if it has just ended */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function allRun(beamline: Beamline): Promise<void> {
  let states = '';
  const isUp = async () => {
    const view = await beamline.view();
    states = view.map(({ id, state }) => `${id} ${state}`).join(', ');
    return view.every(({ state }) => state === 'running');
  };
  await until(isUp, 'everybody running').catch((error: Error) => {
    throw new Error(`${error.message}: ${states}; ${beamline.folder}`);
  });
}

/** Files are sound; those of a recorder that was killed, which kept their names of before, may be cut in their last dgram. */
async function fileProblems(beamline: Beamline, kills: readonly Kill[]): Promise<string[]> {
  const problems: string[] = [];
  const recorders = (id: string) => id === KEEPER || id.startsWith('rec_');
  for (const name of readdirSync(beamline.recorded)) {
    const run = Number(/-r(\d+)-/.exec(name)?.[1]);
    const wasKilled = kills.some((kill) => kill.leads && recorders(kill.id) && concerns(kill, run));
    const { status, stdout } = await beamline.command('dgram-cat', '--check', '--json', join(beamline.recorded, name));
    const underWay = name.endsWith('.inprogress');
    if (underWay && !wasKilled) problems.push(`${name}: its recorder was not killed`);
    const codes: string[] = JSON.parse(stdout.toString()).findings.map(({ code }: { code: string }) => code);
    const cut = underWay && codes.every((code) => code.startsWith('cut'));
    if (status !== 0 && !cut) problems.push(`${name}: ${codes.join(', ')}`);
  }
  return problems;
}
