/** eb-join as a process, for its tests: over files, and over pipes that the test writes. */

import { execFileSync } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, run } from '../executable.ts';
import { start } from './processes.ts';

export type Line = Record<string, unknown>;

const CONFIG = {
  common: 0,
  drps: [{ id: 0, alias: 'timing_0', rog: 0, buffers: 4096 }],
  mebs: [{ id: 0, alias: 'meb0', buffers: 8 }],
};

export const lines = (text: Buffer): Line[] =>
  text
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** The summary among the messages. */
export const summary = ({ stderr }: Outcome): Line => JSON.parse(/^\{.*\}$/m.exec(stderr)![0]);

export const fates = (outcome: Outcome) => lines(outcome.stdout).map(({ act, reason }) => reason ?? act);

export function configIn(folder: string, config: unknown = CONFIG): string {
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** Runs eb-join over events and results in files. */
export function joinRun(
  folder: string,
  events: Buffer,
  results: readonly Buffer[],
  args: readonly string[] = [],
): Promise<Outcome> {
  const file = join(folder, 'in.events');
  writeFileSync(file, events);
  const streams = results.flatMap((bytes, i) => {
    writeFileSync(join(folder, `${i}.res`), bytes);
    return ['--results', join(folder, `${i}.res`)];
  });
  return run('eb-join', ['--receiver', '0', '--config', configIn(folder), '--events', file, ...streams, ...args]);
}

/** eb-join over two named pipes that the test writes. */
export function overPipes(t: Parameters<typeof start>[0], folder: string, args: readonly string[]) {
  const [events, results] = ['events', 'results'].map((name) => join(folder, name)) as [string, string];
  for (const pipe of [events, results]) execFileSync('mkfifo', [pipe]);
  const process = start(t, 'eb-join', [
    ...['--receiver', '0', '--config', configIn(folder), '--events', events, '--results', results],
    ...args,
  ]);
  const [toEvents, toResults] = [createWriteStream(events), createWriteStream(results)];
  for (const stream of [toEvents, toResults]) stream.on('error', () => {});
  return { process, toEvents, toResults };
}
