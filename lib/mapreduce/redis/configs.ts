/** What services say of themselves under their configuration keys (spec mapreduce.md 5.1, ours: 5.2). */

import {
  BadRecord,
  type Fields,
  fieldsOf,
  number,
  optionalNumber,
  optionalText,
  parseFields,
  text,
  texts,
} from './fields.ts';
import { isName, type Role } from './keys.ts';

export interface MapreduceVersion {
  readonly commit_hash: string;
  readonly branch_name: string;
  readonly timestamp: string;
  readonly repository_url: string;
}

interface ServiceConfig {
  readonly service_uuid: string;
  readonly mapping_uuid: string | null;
  readonly dranspose_version: string | null;
  readonly mapreduce_version: MapreduceVersion | null;
  readonly parameters_hash: string | null;
  readonly processed_events: number;
  /** Per second. */
  readonly event_rate: number;
  readonly name: string;
  /** Ours only: 1; absent with peers of the reference. */
  readonly impl?: 'daqpipe';
  readonly protocol?: number;
}

export interface ConnectedWorker {
  readonly name: string;
  readonly service_uuid: string;
  /** Seconds since 1970, or a time as text, as the writer likes. */
  readonly last_seen: unknown;
}

export interface IngesterConfig extends ServiceConfig {
  /** `tcp://host:port` of its ROUTER. */
  readonly url: string;
  readonly connected_workers: Readonly<Record<string, ConnectedWorker>>;
  readonly streams: readonly string[];
  /** Ours: lowest event whose frames are held; null while nothing was let go. */
  readonly held_from?: number | null;
  /** Ours: its sources give everything from the start to whoever opens them, so a process that takes its place has all frames. */
  readonly rereads?: boolean;
  /** Ours: name of the shared memory in which it leaves large frames for workers of its machine. */
  readonly frames?: string | null;
}

export interface WorkerConfig extends ServiceConfig {
  readonly ingesters: readonly IngesterConfig[];
  readonly tags: readonly string[];
  /** Ours: payload class keeps state over a group of events (spec 3.2). */
  readonly stateful?: boolean;
}

export interface ReducerConfig extends ServiceConfig {
  /** `tcp://host:port` of its PULL. */
  readonly url: string;
}

export type AnyConfig =
  | (IngesterConfig & { readonly role: 'ingester' })
  | (WorkerConfig & { readonly role: 'worker' })
  | (ReducerConfig & { readonly role: 'reducer' });

export interface Configs {
  readonly ingesters: readonly IngesterConfig[];
  readonly workers: readonly WorkerConfig[];
  readonly reducer: ReducerConfig | null;
}

/** All services that are there. */
export function servicesOf({
  ingesters,
  workers,
  reducer,
}: Configs): readonly (IngesterConfig | WorkerConfig | ReducerConfig)[] {
  return [...ingesters, ...workers, ...(reducer ? [reducer] : [])];
}

/** Whether this very process has a configuration. */
export function isThere({ ingesters, workers, reducer }: Configs, role: Role, name: string, service: string): boolean {
  const own = { ingester: ingesters, worker: workers, reducer: reducer ? [reducer] : [] }[role];
  return own.some((config) => config.name === name && config.service_uuid === service);
}

/** Streams to whose ingester every worker is connected. */
export function connectedStreams({ ingesters, workers }: Configs): ReadonlySet<string> {
  const whole = ingesters.filter(({ connected_workers }) => {
    const connected = new Set(Object.values(connected_workers).map(({ service_uuid }) => service_uuid));
    return workers.every(({ service_uuid }) => connected.has(service_uuid));
  });
  return new Set(whole.flatMap(({ streams }) => streams));
}

/** Whether a service speaks our protocol. */
export function isOurs({ impl, protocol }: Pick<ServiceConfig, 'impl' | 'protocol'>): boolean {
  return impl === 'daqpipe' && (protocol ?? 0) >= 1;
}

function service(fields: Fields): ServiceConfig {
  const name = text(fields, 'name');
  if (!isName(name)) throw new BadRecord(`"${name}" is no name of a service`);
  const version = fields.mapreduce_version ?? null;
  return {
    service_uuid: text(fields, 'service_uuid'),
    mapping_uuid: optionalText(fields, 'mapping_uuid'),
    dranspose_version: optionalText(fields, 'dranspose_version'),
    mapreduce_version:
      version === null ? null : (fieldsOf(version, 'mapreduce_version') as unknown as MapreduceVersion),
    parameters_hash: optionalText(fields, 'parameters_hash'),
    processed_events: number(fields, 'processed_events', 0),
    event_rate: number(fields, 'event_rate', 0),
    name,
    ...(fields.impl === 'daqpipe' ? { impl: 'daqpipe' as const, protocol: number(fields, 'protocol', 1) } : {}),
  };
}

/** @throws BadRecord */
export function readIngester(fields: Fields): IngesterConfig {
  const connected = Object.entries(fieldsOf(fields.connected_workers ?? {}, 'connected_workers')).map(
    ([uuid, value]) => {
      const worker = fieldsOf(value, 'a connected worker');
      return [
        uuid,
        {
          name: text(worker, 'name'),
          service_uuid: text(worker, 'service_uuid'),
          last_seen: worker.last_seen,
        },
      ] as const;
    },
  );
  return {
    ...service(fields),
    url: text(fields, 'url'),
    connected_workers: Object.fromEntries(connected),
    streams: texts(fields, 'streams'),
    ...('held_from' in fields ? { held_from: optionalNumber(fields, 'held_from') } : {}),
    ...(fields.rereads === true ? { rereads: true } : {}),
    ...('frames' in fields ? { frames: optionalText(fields, 'frames') } : {}),
  };
}

/** @throws BadRecord */
function readWorker(fields: Fields): WorkerConfig {
  const ingesters = fields.ingesters ?? [];
  if (!Array.isArray(ingesters)) throw new BadRecord('ingesters is no list');
  return {
    ...service(fields),
    ingesters: ingesters.map((one) => readIngester(fieldsOf(one, 'an ingester'))),
    tags: 'tags' in fields ? texts(fields, 'tags') : ['generic'],
    ...(fields.stateful === true ? { stateful: true } : {}),
  };
}

/** @throws BadRecord */
function readReducer(fields: Fields): ReducerConfig {
  return { ...service(fields), url: text(fields, 'url') };
}

/** Role and name in a configuration key, if it is one. */
export function configKey(key: string, prefix: string): { role: Role; name: string } | undefined {
  if (!key.startsWith(`${prefix}:`)) return undefined;
  const [role, name, last, ...more] = key.slice(prefix.length + 1).split(':');
  if (last !== 'config' || more.length > 0 || name === undefined) return undefined;
  return role === 'ingester' || role === 'worker' || role === 'reducer' ? { role, name } : undefined;
}

/** A configuration. @throws BadRecord if it is none, or carries another name than its key */
export function readConfig(role: Role, name: string, json: string): AnyConfig {
  const fields = parseFields(json, `configuration of ${role} ${name}`);
  const config =
    role === 'ingester'
      ? { role, ...readIngester(fields) }
      : role === 'worker'
        ? { role, ...readWorker(fields) }
        : { role, ...readReducer(fields) };
  if (config.name !== name) throw new BadRecord(`configuration of ${role} ${name} carries the name ${config.name}`);
  return config;
}
