/** Flags of map-replay. */

import { existsSync } from 'node:fs';
import * as Flags from '@oclif/core/flags';
import { UsageError } from '../../errors.ts';
import { wholeFile } from '../../stream/read-all.ts';
import { payloadFlags, workerPayloadFlags } from '../payload/flags.ts';
import { type RecordedParameter, readParameters } from '../record/parameters.ts';
import { type Dealer, type Plan, plannedDealer, planOfMap, readPlan, seededDealer } from './deal.ts';

const { js: _, ...payload } = payloadFlags;

/** Process managers append `-p N` to every command. */
const PARTITION = /^\d{1,2}$/;

export const replayFlags = {
  worker: Flags.string({
    char: 'w',
    required: true,
    summary: 'class of the workers, or a JavaScript module',
    helpValue: 'MODULE:CLASS|FILE.mjs',
  }),
  reducer: Flags.string({
    char: 'r',
    summary: 'class of the reducer, or a JavaScript module',
    helpValue: 'MODULE:CLASS|FILE.mjs',
  }),
  file: Flags.string({
    char: 'f',
    multiple: true,
    summary: 'recording of an ingester, or the file of a stream: XTC2, HDF5, a capture',
    helpValue: 'FILE|STREAM=[KIND:]FILE',
  }),
  source: Flags.string({ char: 's', summary: 'class with get_source_generators()', helpValue: 'MODULE:CLASS' }),
  parameters: Flags.string({
    char: 'p',
    multiple: true,
    summary: 'JSON {"name": value}, or as a controller writes them, JSON or CBOR',
    description: 'A number is the partition, as with all commands, and ignored.',
    helpValue: 'FILE',
  }),
  rate: Flags.string({ summary: 'events per second; as fast as the classes are by default', helpValue: 'HZ' }),
  nworkers: Flags.integer({ default: 2, min: 1, max: 64, summary: 'workers', helpValue: 'N' }),
  seed: Flags.integer({ default: 0, summary: 'which worker gets which event', helpValue: 'N' }),
  plan: Flags.string({
    summary: 'which worker gets which event: lines of map-control --simulate',
    helpValue: 'FILE.jsonl',
    exclusive: ['map'],
  }),
  map: Flags.string({ summary: 'the recorded map says what belongs together', helpValue: 'FILE.json' }),
  port: Flags.string({ summary: 'HTTP for what the reducer publishes; port 0 picks one', helpValue: '[HOST:]PORT' }),
  save: Flags.string({ summary: 'write what the reducer has published, at the end: .json or .h5', helpValue: 'FILE' }),
  'keep-alive': Flags.boolean({ summary: 'serve it until a signal comes', dependsOn: ['port'] }),
  ...payload,
  ...workerPayloadFlags,
};

/** `FILE.mjs` and `FILE.js` are modules, all else is a Python class. */
export function classOrModule(text: string): { readonly path?: string; readonly js?: string } {
  return /\.[mc]?js$/.test(text) ? { js: text } : { path: text };
}

/**
 * Of several files the last value of a name counts.
 * @throws InputError, DataError
 */
export function parametersFrom(words: readonly string[] = []): readonly RecordedParameter[] {
  const files = words.filter((word) => !PARTITION.test(word) || existsSync(word));
  const all = files.flatMap((file) => readParameters(wholeFile(file), file));
  return [...new Map(all.map((one) => [one.name, one])).values()];
}

/** @throws UsageError */
export function rateFrom(text: string | undefined): number | undefined {
  const rate = text === undefined ? undefined : Number(text);
  if (rate !== undefined && !(rate > 0)) throw new UsageError(`--rate: "${text}" is no number of events per second`);
  return rate;
}

interface DealFlags {
  readonly nworkers: number;
  readonly seed: number;
  readonly plan?: string | undefined;
  readonly map?: string | undefined;
}

/** Names of the workers, and who gets what. @throws InputError, DataError, UsageError */
export function dealing({ nworkers, seed, plan, map }: DealFlags): { names: readonly string[]; deal: Dealer } {
  const planned: Plan | undefined =
    plan !== undefined
      ? readPlan(wholeFile(plan).toString(), plan)
      : map !== undefined
        ? planOfMap(map, nworkers, seed)
        : undefined;
  if (!planned)
    return { names: Array.from({ length: nworkers }, (_, i) => `w${i + 1}`), deal: seededDealer(nworkers, seed) };
  if (planned.workers.length > 64) throw new UsageError(`the plan has ${planned.workers.length} workers`);
  return { names: planned.workers, deal: plannedDealer(planned) };
}
