/** The configuration of the trigger chain (spec teb.md, section 4): from JSON to `TriggerConfig`, with all checks made at start. */

import { dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { wholeText } from '../../stream/read-all.ts';
import type { DrpConfig, MebConfig, TriggerConfig, TriggerKind } from '../types.ts';
import { LIMIT } from '../wire/layout.ts';
import { Fields, isRecord } from './fields.ts';

const U32 = 0xffff_ffff;
/** Index field of a buffer word. */
const MAX_BUFFERS = 0xff_ffff;
const DEFAULT_BUFFERS = 1024;
const DEFAULT_ALIAS = { drp: 'drp', meb: 'meb' };
/** Keys of the configuration database's trigger object that say nothing here. */
const IGNORED = ['soname', 'prescale'];

/**
 * Reads a configuration file.
 * @throws InputError if it cannot be read; UsageError, with file and key, if something in it is wrong
 */
export function readConfig(file: string): TriggerConfig {
  return parseConfig(wholeText(file), file);
}

/**
 * @param file for messages; paths of scripts are relative to its folder
 * @throws UsageError
 */
export function parseConfig(text: string, file: string): TriggerConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`the configuration is no JSON: ${(error as Error).message}`, { place: { file } });
  }
  return configFrom(new Fields(document, file), dirname(file));
}

function configFrom(root: Fields, folder: string): TriggerConfig {
  const notes: string[] = [];
  const common = root.whole('common', 0, LIMIT.groups - 1, 0);
  const drps = drpsOf(root);
  const body = bodyOf(root);
  for (const key of IGNORED) if (body.has(key)) notes.push(`"${key}" of the trigger is ignored`);
  const contributors = contributorsOf(body, drps, notes);
  if (!drps.some((drp) => drp.rog === common && contributors.includes(drp.id))) {
    throw root.wrong('drps', `has no contributing source in the common group ${common}`);
  }
  const options = root.below('options');
  return {
    common,
    drps,
    contributors,
    mebs: mebsOf(root),
    reserved: reservedOf(root.has('rogRsrvdBuf') ? root : body, drps, notes),
    monThrottle: root.whole('mon_throttle', 0, Number.MAX_SAFE_INTEGER, 0),
    trigger: triggerOf(body, folder),
    triggerBody: root.has('trigger_body') ? root.below('trigger_body').record : body.record,
    skewTicks: options.has('skew_ticks') ? options.whole('skew_ticks', 0, Number.MAX_SAFE_INTEGER) : undefined,
    notes,
  };
}

/** What says how to trigger: the body of the configuration database, and what the configuration itself says instead. */
function bodyOf(root: Fields): Fields {
  const [body, own] = [root.below('trigger_body'), root.below('trigger')];
  return root.replaced(root.has('trigger') ? 'trigger' : 'trigger_body', { ...body.record, ...own.record });
}

function drpsOf(root: Fields): DrpConfig[] {
  const drps = root.list('drps').map((fields) => {
    const id = fields.whole('id', 0, LIMIT.sources - 1);
    const known = fields.has('prim_max') ? { primBytes: fields.whole('prim_max', 0, 1 << 30) } : {};
    const kind = fields.text('payload', '');
    return {
      id,
      alias: fields.text('alias', `${DEFAULT_ALIAS.drp}_${id}`),
      rog: fields.whole('rog', 0, LIMIT.groups - 1),
      buffers: fields.whole('buffers', 1, MAX_BUFFERS, DEFAULT_BUFFERS),
      ...known,
      ...(kind === '' ? {} : { kind }),
    };
  });
  refuseTwins(root, 'drps', drps);
  return drps.sort((a, b) => a.id - b.id);
}

function mebsOf(root: Fields): MebConfig[] {
  const mebs = root.list('mebs').map((fields) => {
    const id = fields.whole('id', 0, LIMIT.mebs - 1);
    const alias = fields.text('alias', `${DEFAULT_ALIAS.meb}${id}`);
    return { id, alias, buffers: fields.whole('buffers', 0, MAX_BUFFERS) };
  });
  refuseTwins(root, 'mebs', mebs);
  return mebs.sort((a, b) => a.id - b.id);
}

function refuseTwins(root: Fields, key: string, all: readonly { id: number; alias: string }[]): void {
  for (const [i, one] of all.entries()) {
    const before = all.slice(0, i);
    if (before.some((other) => other.id === one.id)) throw root.wrong(`${key}[${i}].id`, `${one.id} is there twice`);
    if (before.some((other) => other.alias === one.alias)) {
      throw root.wrong(`${key}[${i}].alias`, `"${one.alias}" is there twice`);
    }
  }
}

/** rogRsrvdBuf by group: an object, a list, or keys `rogRsrvdBuf[0]` … as the configuration database has them. */
function reservedOf(fields: Fields, drps: readonly DrpConfig[], notes: string[]): number[] {
  const value = fields.record.rogRsrvdBuf;
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item, group) => [String(group), item])
    : isRecord(value)
      ? Object.entries(value)
      : flattened(fields);
  const reserved = Array<number>(LIMIT.groups).fill(0);
  const below = fields.replaced('rogRsrvdBuf', Object.fromEntries(entries));
  for (const [key] of entries) {
    const group = Number(key);
    if (!Number.isInteger(group) || group < 0 || group >= LIMIT.groups) {
      throw fields.wrong('rogRsrvdBuf', `has "${key}", which is no readout group`);
    }
    reserved[group] = below.whole(key, 0, MAX_BUFFERS);
    noteEmptyGroup(group, reserved[group]!, drps, notes);
  }
  return reserved;
}

export function noteEmptyGroup(group: number, count: number, drps: readonly DrpConfig[], notes: string[]): void {
  if (count > 0 && !drps.some((drp) => drp.rog === group)) {
    notes.push(`buffers are reserved for group ${group}, which has no sources`);
  }
}

function flattened(fields: Fields): [string, unknown][] {
  return Object.entries(fields.record).flatMap(([key, value]) => {
    const group = /^rogRsrvdBuf\[(\d+)\]$/.exec(key)?.[1];
    return group === undefined ? [] : [[group, value] satisfies [string, unknown]];
  });
}

/** Everybody, unless buildAll is off and buildDets is there: then exactly the aliases that it lists. */
function contributorsOf(body: Fields, drps: readonly DrpConfig[], notes: string[]): number[] {
  const all = drps.map((drp) => drp.id);
  if (!body.has('buildDets') || body.record.buildAll === 1 || body.record.buildAll === true) return all;
  const listed = namesOf(body);
  for (const name of listed) {
    if (!drps.some((drp) => drp.alias === name))
      notes.push(`buildDets names "${name}", which is the alias of no source`);
  }
  return drps.filter((drp) => listed.includes(drp.alias)).map((drp) => drp.id);
}

function namesOf(body: Fields): string[] {
  const value = body.record.buildDets;
  if (typeof value === 'string') return value.split(/[\s,;]+/).filter((name) => name !== '' && name !== '---');
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  throw body.wrong('buildDets', 'should be aliases in a text or a list');
}

function triggerOf(body: Fields, folder: string): TriggerKind | undefined {
  const kind = body.text('kind', '');
  const script = body.text('script', body.text('pythonScript', ''));
  if (kind === 'script' || (kind === '' && script !== '')) {
    if (script === '') throw body.wrong('script', 'is missing');
    return { kind: 'script', script: resolve(folder, script) };
  }
  if (kind === 'value' || (kind === '' && body.has('persistValue'))) {
    return {
      kind: 'value',
      persistValue: body.whole('persistValue', 0, U32),
      monitorValue: body.whole('monitorValue', 0, U32),
    };
  }
  if (kind !== '') throw body.wrong('kind', `is "${kind}" and should be "value" or "script"`);
  return undefined;
}
