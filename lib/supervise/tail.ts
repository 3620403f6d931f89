import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Output } from '../cli/output.ts';
import type { EntryView } from './view.ts';

export interface TailOptions {
  readonly out: Output;
  readonly follow: boolean;
  readonly stop: AbortSignal;
}

const POLL_MS = 200;
const BLOCK = 64 * 1024;

/** Prints logs; several are told apart by their ids. With `follow` it ends when it is stopped. */
export async function showLogs(
  entries: readonly Pick<EntryView, 'id' | 'log'>[],
  { out, follow, stop }: TailOptions,
): Promise<void> {
  const files = entries.map(({ id, log }) => ({ id, fd: openSync(log as string, 'r'), at: 0, rest: '' }));
  const prefix = (id: string) => (files.length > 1 ? `${id}: ` : '');
  try {
    do {
      for (const file of files) {
        for (const line of newLines(file)) out.line(`${prefix(file.id)}${line}`);
      }
      await out.drain();
      if (follow) await pause(POLL_MS, undefined, { signal: stop }).catch(() => {});
    } while (follow && !stop.aborted);
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
}

function newLines(file: { readonly fd: number; at: number; rest: string }): string[] {
  const bytes = Buffer.allocUnsafe(BLOCK);
  let text = file.rest;
  while (file.at < fstatSync(file.fd).size) {
    const got = readSync(file.fd, bytes, 0, BLOCK, file.at);
    if (got === 0) break;
    text += bytes.toString('utf8', 0, got);
    file.at += got;
  }
  const lines = text.split('\n');
  file.rest = lines.pop() ?? '';
  return lines;
}
