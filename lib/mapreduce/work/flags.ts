/** Flags of map-work. */

import { hostname } from 'node:os';
import * as Flags from '@oclif/core/flags';
import { UsageError } from '../../errors.ts';
import { payloadFlags, workerPayloadFlags } from '../payload/flags.ts';
import { registryFlags } from '../redis/flags.ts';
import { isName } from '../redis/keys.ts';

export const workFlags = {
  ...registryFlags(),
  name: Flags.string({ env: 'WORKER_NAME', summary: 'name of this worker', helpValue: 'NAME' }),
  tags: Flags.string({
    env: 'WORKER_TAGS',
    default: 'generic',
    summary: 'what kinds of work it takes',
    helpValue: 'A,B',
  }),
  hold: Flags.string({
    default: '256M',
    summary: 'results that the reducer may not have accepted yet; then no event is begun',
    helpValue: 'BYTES',
  }),
  'shared-memory': Flags.boolean({
    default: true,
    allowNo: true,
    summary: 'take large frames from shared memory of ingesters on this machine',
  }),
  ...payloadFlags,
  ...workerPayloadFlags,
};

/** `Worker-<host>-<10 letters>` unless there is a name. @throws UsageError */
export function workerName(given: string | undefined): string {
  const letters = () => String.fromCharCode(97 + Math.floor(Math.random() * 26));
  const name = given ?? `Worker-${hostname()}-${Array.from({ length: 10 }, letters).join('')}`;
  if (!isName(name)) throw new UsageError(`--name: "${name}" is no name: printable ASCII without : and /`);
  return name;
}

/** Also as a JSON list, as the environment of existing installations has it. @throws UsageError */
export function tagsOf(text: string): readonly string[] {
  const tags = text
    .replace(/[[\]"'\s]/g, '')
    .split(',')
    .filter((tag) => tag !== '');
  if (tags.length === 0) throw new UsageError(`--tags: "${text}" names none`);
  return [...new Set(tags)];
}
