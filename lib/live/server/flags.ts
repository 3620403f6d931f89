/** The options of shmem-serve as flags, and from flags to values. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { parseBytes } from '../../cli/size.ts';
import { UsageError } from '../../errors.ts';
import { checkTag, MAX_BUFFER_BYTES, MAX_CLIENTS } from '../protocol.ts';
import { chooseBuffers, messagesAllowed } from './limits.ts';
import { PATIENCE } from './live-core.ts';
import { FILE_RATE, type ServeOptions } from './serve.ts';
import type { Reserve } from './share.ts';

export const serveFlags = {
  tag: Flags.string({
    summary: 'name under which clients find the server',
    description:
      'Instead of the argument TAG. "-p TAG" is taken too, as long as TAG is not a number: "-p N" is the partition.',
    helpValue: 'TAG',
    helpGroup: 'SERVER',
  }),
  file: Flags.string({ char: 'f', summary: 'the input, instead of the argument', helpValue: 'IN', helpGroup: 'INPUT' }),
  buffers: Flags.integer({
    char: 'n',
    summary: 'event buffers (default 8, or what the kernel allows)',
    min: 1,
    helpValue: 'N',
    helpGroup: 'SERVER',
  }),
  size: Flags.string({
    char: 's',
    summary: 'bytes of one buffer: the largest dgram',
    default: '4M',
    helpValue: 'BYTES',
    helpGroup: 'SERVER',
  }),
  clients: Flags.integer({
    char: 'c',
    summary: 'clients at the same time, at most',
    default: 2,
    min: 1,
    max: MAX_CLIENTS,
    helpValue: 'N',
    helpGroup: 'SERVER',
  }),
  serial: Flags.boolean({ summary: 'every event goes through all clients in turn', helpGroup: 'SERVER' }),
  distributed: Flags.boolean({
    char: 'd',
    summary: 'each event goes to one client (the default)',
    exclusive: ['serial'],
    helpGroup: 'SERVER',
  }),
  reserve: Flags.string({
    summary: 'keep N buffers for events of readout group G',
    description: 'Events of a detector that fires seldom are swamped otherwise. May be given several times.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'G:N',
    helpGroup: 'SERVER',
  }),
  mode: Flags.string({
    summary: 'permissions of queues and memory (0666 as the existing server)',
    default: '0600',
    helpValue: 'MODE',
    helpGroup: 'SERVER',
  }),
  patience: Flags.integer({
    summary: 'seconds for the first answer of a client',
    default: PATIENCE,
    min: 1,
    helpValue: 'S',
    helpGroup: 'SERVER',
  }),
  rate: Flags.string({
    char: 'r',
    summary: `events per second, 0 flat out (default: a file ${FILE_RATE}, anything else as it comes)`,
    helpValue: 'HZ',
    helpGroup: 'INPUT',
  }),
  loop: Flags.integer({
    char: 'L',
    summary: 'read the input N times, 0 until stopped',
    default: 1,
    min: 0,
    helpValue: 'N',
    helpGroup: 'INPUT',
  }),
  wait: Flags.integer({
    summary: 'clients to wait for first (default: a file 1, anything else 0)',
    min: 0,
    helpValue: 'N',
    helpGroup: 'INPUT',
  }),
  linger: Flags.integer({
    summary: 'seconds after the input for clients that have not finished',
    default: 1,
    min: 0,
    helpValue: 'S',
    helpGroup: 'INPUT',
  }),
  stay: Flags.boolean({
    summary: 'stay after the input, with what is in force, until stopped',
    helpGroup: 'INPUT',
  }),
};

export type ServeFlags = InferredFlags<typeof serveFlags>;

/**
 * `-p` names the tag on command lines of the existing server, and process managers append `-p N` to every line: what is no number is a
 * tag. `--loop` without a number is 0.
 */
export function readableLine(argv: readonly string[]): string[] {
  return argv.flatMap((word, i) => {
    const next = argv[i + 1];
    if (word === '-p' && next !== undefined && !/^\d+$/.test(next)) return ['--tag'];
    if (word === '--loop' && !/^\d+$/.test(next ?? '')) return ['--loop', '0'];
    return [word];
  });
}

/** @param words the arguments @throws UsageError */
export function serveOptions(words: readonly string[], flags: ServeFlags, say: (text: string) => void): ServeOptions {
  const rest = [...words];
  const tag = flags.tag ?? rest.shift();
  if (tag === undefined) throw new UsageError('which tag? shmem-serve TAG [IN]');
  const input = flags.file ?? rest.shift() ?? '-';
  if (rest.length > 0) throw new UsageError(`one input at a time: what is ${rest.join(' ')}?`);
  const buffers = chooseBuffers(flags.buffers, flags.clients, messagesAllowed(), say);
  return {
    tag: checkTag(tag),
    input,
    buffers,
    bufferBytes: bytesOf(flags.size),
    clients: flags.clients,
    order: flags.serial ? 'serial' : 'distributed',
    reserve: reservesOf(flags.reserve ?? [], buffers),
    mode: modeOf(flags.mode),
    patience: flags.patience,
    rate: rateOf(flags.rate),
    loop: flags.loop,
    waitFor: flags.wait,
    linger: flags.linger,
    stay: flags.stay,
  };
}

function bytesOf(text: string): number {
  const decimal = /^0x[0-9a-f]+$/i.test(text) ? String(Number(text)) : text;
  return parseBytes(decimal, '--size', { least: 24, most: MAX_BUFFER_BYTES });
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = Number(text);
  if (text.trim() === '' || !(rate >= 0) || rate === Number.POSITIVE_INFINITY) {
    throw new UsageError(`--rate: "${text}" is no number of events per second`);
  }
  return rate;
}

function modeOf(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new UsageError(`--mode: "${text}" is no mode; write 0600, 0660 or 0666`);
  return Number.parseInt(text, 8);
}

function reservesOf(texts: readonly string[], buffers: number): Reserve[] {
  const reserves = texts.map((text) => {
    const parts = /^(\d{1,2}):(\d+)$/.exec(text);
    const group = Number(parts?.[1]);
    if (!parts || group > 15 || Number(parts[2]) < 1) {
      throw new UsageError(`--reserve: "${text}" is not GROUP:BUFFERS, as 5:2`);
    }
    return { mask: 1 << group, buffers: Number(parts[2]) };
  });
  const kept = reserves.reduce((sum, reserve) => sum + reserve.buffers, 0);
  if (kept >= buffers) throw new UsageError(`--reserve keeps ${kept} of ${buffers} buffers; one must be for all`);
  return reserves;
}
