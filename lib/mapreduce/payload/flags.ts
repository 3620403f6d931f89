/** Flags of everything that runs payloads, and the payloads they ask for. */

import * as Flags from '@oclif/core/flags';
import { UsageError } from '../../errors.ts';
import { describeInterpreter, findInterpreter } from '../../python/interpreter.ts';
import type { PythonOptions } from './python-child.ts';
import type { ReducerPayload, WorkerPayload } from './types.ts';

export const payloadFlags = {
  js: Flags.string({
    summary: 'JavaScript module instead of a Python class',
    helpValue: 'FILE.mjs',
    helpGroup: 'PAYLOAD',
  }),
  python: Flags.string({
    summary: 'interpreter; the first with numpy by default',
    helpValue: 'PROGRAM',
    helpGroup: 'PAYLOAD',
  }),
  'alias-dranspose': Flags.boolean({
    summary: '`import dranspose` finds daqpipe.mapreduce',
    helpGroup: 'PAYLOAD',
  }),
  'accept-pickle': Flags.boolean({
    summary: 'let Python read pickles: their sender can run code here',
    helpGroup: 'PAYLOAD',
  }),
  'event-timeout': Flags.integer({
    summary: 'seconds after which a Python payload counts as hung and is killed; 0: never',
    helpValue: 'S',
    default: 60,
    min: 0,
    helpGroup: 'PAYLOAD',
  }),
};

export const workerPayloadFlags = {
  'on-error': Flags.string({
    summary: 'what an exception of the payload means: mark the event, stop, or retry=N times first',
    helpValue: 'mark|stop|retry=N',
    default: 'mark',
    helpGroup: 'PAYLOAD',
  }),
  'result-encoding': Flags.string({
    summary: 'cbor, or pickle for a reducer of the reference',
    options: ['cbor', 'pickle'],
    default: 'cbor',
    helpGroup: 'PAYLOAD',
  }),
};

export interface PayloadFlags {
  readonly js?: string | undefined;
  readonly python?: string | undefined;
  readonly 'alias-dranspose': boolean;
  readonly 'accept-pickle': boolean;
  readonly 'event-timeout': number;
}

export interface WorkerPayloadFlags extends PayloadFlags {
  readonly 'on-error': string;
  readonly 'result-encoding': string;
}

export interface ErrorPolicy {
  readonly stop: boolean;
  readonly retries: number;
}

/** `mark`, `stop`, `retry=N`. @throws UsageError */
export function errorPolicy(text: string): ErrorPolicy {
  if (text === 'mark' || text === 'stop') return { stop: text === 'stop', retries: 0 };
  const retries = /^retry=(\d{1,3})$/.exec(text)?.[1];
  if (retries === undefined) throw new UsageError(`--on-error: "${text}" is not mark, stop or retry=N`);
  return { stop: false, retries: Number(retries) };
}

type Say = (message: string) => void;

/** @throws UsageError, InputError */
export async function pythonOptions(
  role: PythonOptions['role'],
  path: string | undefined,
  flags: PayloadFlags,
  say: Say,
): Promise<Omit<PythonOptions, 'retries' | 'encoding'>> {
  if (path === undefined) throw new UsageError('which class? module:Class, or --js FILE.mjs');
  if (!path.includes(':')) throw new UsageError(`"${path}" is not module:Class`);
  const interpreter = await findInterpreter(flags.python);
  say(describeInterpreter(interpreter));
  if (flags['accept-pickle']) say('pickles are read: whoever can send one can run code here (--accept-pickle)');
  return {
    ...{ python: interpreter.command, path, role, say, prefix: `${path.split(':').at(-1)}: ` },
    limit: 1000 * flags['event-timeout'],
    acceptPickle: flags['accept-pickle'],
    alias: flags['alias-dranspose'],
  };
}

function onlyOne(path: string | undefined, js: string | undefined): void {
  if (path !== undefined && js !== undefined) throw new UsageError(`${path} and --js ${js}: which of the two?`);
}

/** @throws UsageError, InputError, PayloadFailed, ChildGone */
export async function openWorkerPayload(
  path: string | undefined,
  flags: WorkerPayloadFlags,
  say: Say,
): Promise<WorkerPayload> {
  const { retries } = errorPolicy(flags['on-error']);
  onlyOne(path, flags.js);
  const encoding = flags['result-encoding'] === 'pickle' ? 'pickle' : 'cbor';
  if (flags.js !== undefined) {
    if (encoding === 'pickle') throw new UsageError('--js and --result-encoding pickle: only Python writes pickles');
    const { JsWorker } = await import('./js-worker.ts');
    return JsWorker.open(flags.js, retries);
  }
  const { PythonWorker } = await import('./python-worker.ts');
  const options = { ...(await pythonOptions('worker', path, flags, say)), retries, encoding } as const;
  if (encoding === 'pickle') say('results are written as pickles (--result-encoding pickle)');
  return PythonWorker.open(options);
}

/** @throws UsageError, InputError, PayloadFailed, ChildGone */
export async function openReducerPayload(
  path: string | undefined,
  flags: PayloadFlags,
  say: Say,
): Promise<ReducerPayload> {
  onlyOne(path, flags.js);
  if (flags.js !== undefined) {
    const { JsReducer } = await import('./js-reducer.ts');
    return JsReducer.open(flags.js, say);
  }
  const { PythonReducer } = await import('./python-reducer.ts');
  return PythonReducer.open({ ...(await pythonOptions('reducer', path, flags, say)), retries: 0, encoding: 'cbor' });
}
