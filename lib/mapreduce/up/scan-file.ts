/** Reads a scan file: YAML or JSON, every mistake with its place (docs/mapreduce.md, "A local ensemble"). */

import { dirname, resolve } from 'node:path';
import { type YamlDocument, yamlDocument } from '../../cli/yaml-document.ts';
import { readMapFile } from '../http/client.ts';
import { isName } from '../redis/keys.ts';
import { KIND_NAMES } from '../source/kinds.ts';
import { mapText } from './map-form.ts';
import type { Scan, ScanControl, ScanIngester, ScanReducer, ScanWorkers } from './types.ts';
import { Place } from './yaml-place.ts';

const KEYS = ['redis', 'streams', 'workers', 'reducer', 'control', 'map', 'wrap', 'parameters'] as const;
const DEFAULT_WORKERS = 2;
const MOST_WORKERS = 256;
const MOST_PORT = 65_535;

/** @throws InputError with line, column and key */
export function readScan(text: string, file: string): Scan {
  const read: YamlDocument = yamlDocument(text, file);
  const top = Place.top(read, file);
  const all = top.mapping(KEYS, 'a scan file is a mapping');
  const streams = all.get('streams') ?? top.fail('there are no streams: write streams: {det: tcp://HOST:PORT}');
  const ingesters = ingestersOf(streams);
  const names = ingesters.flatMap((one) => one.streams.map(({ name }) => name));
  const map = all.get('map');
  return {
    file,
    redis: all.get('redis')?.text(),
    ingesters,
    workers: workersOf(all.get('workers') ?? top.fail('there are no workers: write workers: module:Class')),
    reducer: reducerOf(all.get('reducer') ?? top.fail('there is no reducer: write reducer: module:Class')),
    control: controlOf(all.get('control')),
    map: map === undefined ? undefined : mapOf(map, names, file),
    wrap: all.get('wrap')?.flag() ?? true,
    parameters: parametersOf(all.get('parameters')),
  };
}

interface StreamEntry {
  readonly name: string;
  readonly place: Place;
  readonly kind: string;
  readonly upstream: string;
  readonly ingester: string;
  readonly pipe: string | undefined;
  readonly options: readonly string[];
}

function ingestersOf(place: Place): ScanIngester[] {
  const entries = [...place.mapping(undefined, 'streams is a mapping: name -> address')].map(streamOf);
  if (entries.length === 0) place.fail('there are no streams');
  const byIngester = new Map<string, StreamEntry[]>();
  for (const entry of entries) {
    const others = byIngester.get(entry.ingester);
    if (!others) byIngester.set(entry.ingester, [entry]);
    else if (entry.pipe !== undefined || others[0]?.pipe !== undefined)
      entry.place.fail(`${entry.ingester}: a command with a pipe has one stream`);
    else others.push(entry);
  }
  return [...byIngester].map(([name, own]) => ({
    name,
    streams: own.map(({ name: stream, kind, upstream }) => ({ name: stream, kind, upstream })),
    pipe: own[0]?.pipe,
    options: own.flatMap(({ options }) => options),
  }));
}

function streamOf([name, place]: readonly [string, Place]): StreamEntry {
  if (!isName(name)) place.fail(`${name} is no name: printable ASCII without : and /`);
  const plain = { name, place, kind: 'stins', ingester: `${name}-ingester`, pipe: undefined, options: [] };
  if (place.isText) return { ...plain, upstream: place.text() };
  const keys = ['kind', 'upstream', 'file', 'pipe', 'ingester', 'options'] as const;
  const given = place.mapping(keys, `${name} is an address, or a mapping with upstream, file or pipe`);
  const sources = (['upstream', 'file', 'pipe'] as const).filter((key) => given.has(key));
  if (sources.length !== 1) place.fail(`${name}: give one of upstream, file and pipe`);
  const pipe = given.get('pipe')?.text();
  const file = given.get('file')?.text();
  const kind = given.get('kind')?.oneOf(KIND_NAMES) ?? (pipe === undefined ? (file ? 'recorded' : 'stins') : 'xtc');
  return {
    ...plain,
    kind,
    upstream: upstreamOf(kind, given.get('upstream')?.text(), file),
    ingester: given.get('ingester')?.name() ?? plain.ingester,
    pipe,
    options: given.get('options')?.words() ?? [],
  };
}

/** A file is a recording of ours, a file of dgrams, or a capture of what a source sent. */
function upstreamOf(kind: string, upstream: string | undefined, file: string | undefined): string {
  if (file === undefined) return upstream ?? '-';
  return kind === 'recorded' || kind === 'xtc' ? file : `file:${file}`;
}

function workersOf(place: Place): ScanWorkers[] {
  if (!place.isList) return [workerGroup(place, 'worker')];
  const groups = place.list().map((one, i) => workerGroup(one, `worker${i === 0 ? '' : i + 1}`));
  if (groups.length === 0) place.fail('there are no workers');
  const names = groups.map(({ name }) => name);
  if (new Set(names).size < names.length) place.fail('two groups of workers have the same name');
  return groups;
}

function workerGroup(place: Place, name: string): ScanWorkers {
  const plain = { name, count: DEFAULT_WORKERS, tags: ['generic'], options: [] };
  if (place.isText) return { ...plain, payload: payloadOf(place) };
  const given = place.mapping(['payload', 'count', 'tags', 'name', 'options'], 'workers have a payload');
  return {
    name: given.get('name')?.name() ?? name,
    payload: payloadOf(given.get('payload') ?? place.fail('workers have no payload: module:Class, or FILE.mjs')),
    count: given.get('count')?.whole(1, MOST_WORKERS) ?? DEFAULT_WORKERS,
    tags: given.get('tags')?.names() ?? plain.tags,
    options: given.get('options')?.words() ?? [],
  };
}

function reducerOf(place: Place): ScanReducer {
  if (place.isText) return { payload: payloadOf(place), port: undefined, journal: true, options: [] };
  const given = place.mapping(['payload', 'port', 'journal', 'options'], 'a reducer has a payload');
  const journal = given.get('journal');
  return {
    payload: payloadOf(given.get('payload') ?? place.fail('the reducer has no payload: module:Class, or FILE.mjs')),
    port: given.get('port')?.whole(1, MOST_PORT),
    journal: journal === undefined ? true : journal.isText ? journal.text() : journal.flag(),
    options: given.get('options')?.words() ?? [],
  };
}

export const isModule = (payload: string): boolean => /\.[cm]?js$/.test(payload);

function payloadOf(place: Place): string {
  const payload = place.text();
  if (!isModule(payload) && !/^[^:\s]+:[^:\s]+$/.test(payload))
    place.fail(`"${payload}" is neither module:Class nor a file .mjs`);
  return payload;
}

function controlOf(place: Place | undefined): ScanControl {
  const given = place?.mapping(['port', 'options'], 'control is a mapping with port and options');
  return { port: given?.get('port')?.whole(1, MOST_PORT), options: given?.get('options')?.words() ?? [] };
}

function mapOf(place: Place, streams: readonly string[], file: string): string {
  if (!place.isText) return mapText(place, streams);
  const text = place.text();
  return readMapFile(resolve(dirname(file), text)).toString();
}

function parametersOf(place: Place | undefined): ReadonlyMap<string, string> {
  const given = place?.mapping(undefined, 'parameters is a mapping: name -> value') ?? new Map<string, Place>();
  return new Map([...given].map(([name, value]) => [name, value.scalar()]));
}
