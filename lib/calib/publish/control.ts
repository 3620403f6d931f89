/** `--control`: runs begin and end by lines of JSON (spec calib-pub.md, section 6). */

import type { Readable } from 'node:stream';
import { DaqError } from '../../errors.ts';
import type { ConstantSet } from '../types.ts';

export type ControlCommand =
  | { cmd: 'begin'; exp: string; run: number }
  | { cmd: 'end' }
  | { cmd: 'status' }
  | { cmd: 'prefetch'; exp: string; run: number };

export interface ControlActions {
  begin(exp: string, run: number): Promise<ConstantSet>;
  end(): void;
  prefetch(exp: string, run: number): Promise<void>;
  /** One line for every line that came. */
  answer(answer: Record<string, unknown>): Promise<void>;
}

/** @throws DaqError `calib-control` that says what is wrong with a line */
export function parseCommand(line: string): ControlCommand {
  const value = objectOf(line);
  const { cmd, exp, run } = value;
  if (cmd === 'end' || cmd === 'status') return { cmd };
  if (cmd !== 'begin' && cmd !== 'prefetch')
    throw wrong(`"cmd" is ${JSON.stringify(cmd)}, not begin, end, prefetch or status`);
  if (typeof exp !== 'string' || exp === '') throw wrong('"exp" is no text');
  if (typeof run !== 'number' || !Number.isSafeInteger(run) || run < 0) throw wrong('"run" is no number of a run');
  return { cmd, exp, run };
}

function objectOf(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, as for every other line that is no object.
  }
  throw wrong('the line is no JSON object');
}

/**
 * Obeys lines until the input ends or `stop`; a line that cannot be understood is answered with its error and changes nothing.
 * @returns how many those were
 */
export async function obeyLines(input: Readable, actions: ControlActions, stop: AbortSignal): Promise<number> {
  let wrongLines = 0;
  for await (const line of linesOf(input, stop)) {
    let command: ControlCommand;
    try {
      command = parseCommand(line);
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
      wrongLines++;
      await actions.answer({ event: 'error', message: error.message });
      continue;
    }
    if (command.cmd === 'end') {
      actions.end();
      await actions.answer({ event: 'ended' });
    } else if (command.cmd === 'status') {
      await actions.answer({ event: 'status' });
    } else if (command.cmd === 'prefetch') {
      await actions.prefetch(command.exp, command.run);
      await actions.answer({ event: 'prefetched', exp: command.exp, run: command.run });
    } else {
      const { exp, run, hash, stale } = await actions.begin(command.exp, command.run);
      await actions.answer({ event: 'published', exp, run, hash, stale });
    }
  }
  return wrongLines;
}

/** A longer line is no command. */
const MAX_LINE = 64 * 1024;

async function* linesOf(input: Readable, stop: AbortSignal): AsyncIterable<string> {
  const end = () => input.destroy();
  stop.addEventListener('abort', end, { once: true });
  let rest = '';
  try {
    for await (const text of input.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!.slice(0, MAX_LINE);
      yield* lines.filter((line) => line.trim() !== '');
    }
    if (rest.trim() !== '') yield rest;
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', end);
  }
}

function wrong(message: string): DaqError {
  return new DaqError('calib-control', message);
}
