/**
 * Measurements as ratios: candidate and reference take turns in the same minute, the best round of each counts, and the goal is
 * printed beside the result. Absolute figures depend on the machine; ratios travel.
 */

import { spawnSync } from 'node:child_process';

export interface Comparison {
  name: string;
  reference: { name: string; run: () => void | Promise<void> };
  candidate: { name: string; run: () => void | Promise<void> };
  /** What the ratio candidate / reference should be at most; Infinity where it only tells something. */
  goal: number;
  /** `cpu` (user + system of this process, default) or `wall`. */
  clock?: 'cpu' | 'wall';
  rounds?: number;
  /** Units of work per round, for the rate. */
  work?: { amount: number; unit: string };
}

/** Seconds of one run. */
async function timed(run: () => void | Promise<void>, clock: 'cpu' | 'wall'): Promise<number> {
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  await run();
  const used = process.cpuUsage(cpu);
  return clock === 'cpu' ? (used.user + used.system) / 1e6 : Number(process.hrtime.bigint() - wall) / 1e9;
}

/** Runs both sides alternately and prints one line. Returns candidate / reference. */
export async function compare({
  name,
  reference,
  candidate,
  goal,
  clock = 'cpu',
  rounds = 5,
  work,
}: Comparison): Promise<number> {
  const best = { reference: Number.POSITIVE_INFINITY, candidate: Number.POSITIVE_INFINITY };
  for (let round = 0; round < rounds; round++) {
    best.reference = Math.min(best.reference, await timed(reference.run, clock));
    best.candidate = Math.min(best.candidate, await timed(candidate.run, clock));
  }
  const ratio = best.candidate / best.reference;
  const rate = work ? `, ${(work.amount / best.candidate / 1e6).toFixed(2)} M${work.unit}/s` : '';
  console.log(
    `${name}: ${ratio.toFixed(2)}x${Number.isFinite(goal) ? ` (goal <= ${goal}x)` : ''} ${clock} ${candidate.name} ${best.candidate.toFixed(3)} s / ${reference.name} ${best.reference.toFixed(3)} s${rate}`,
  );
  return ratio;
}

/** User + system seconds of a whole child process, through the shell's own accounting. */
export function childCpu(command: string): number {
  const { stderr, status } = spawnSync('bash', ['-c', `TIMEFORMAT='%U %S'; time { ${command} 2>/dev/null; }`], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  const [user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return user! + system!;
}

/** Median wall milliseconds of a command run `rounds` times in turn with the others. */
export function medianWall(
  commands: Readonly<Record<string, readonly string[]>>,
  rounds: number,
): Record<string, number> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, [program, ...args]] of Object.entries(commands)) {
      const start = process.hrtime.bigint();
      spawnSync(program!, args, { stdio: ['ignore', 'ignore', 'ignore'] });
      times[name]!.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, list]) => [name, list.sort((a, b) => a - b)[list.length >> 1]!]),
  );
}
