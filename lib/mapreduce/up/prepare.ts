/** What a run needs before anything is started: ports, a Redis, the plan (docs/mapreduce.md, "A local ensemble"). */

import { adopt, redisOf } from './adopt.ts';
import { freePorts, type UpFolder } from './folder.ts';
import { endsByItself, planOf, redisEntry } from './plan.ts';
import type { Scan, UpEntry, UpPlan } from './types.ts';

export interface Prepared {
  readonly plan: UpPlan;
  /** URL with the password; undefined: the environment's. */
  readonly redis: string | undefined;
  /** Redis is started here. */
  readonly own: boolean;
  readonly map: string | undefined;
  readonly wrap: boolean;
  readonly parameters: ReadonlyMap<string, string>;
  /** All sources come to an end. */
  readonly finite: boolean;
}

export async function prepareScan(scan: Scan, folder: UpFolder): Promise<Prepared> {
  const [control, results, redisPort] = (await freePorts(3)) as [number, number, number];
  const settings = scan.redis === undefined ? folder.redisSettings(redisPort) : undefined;
  const redis = scan.redis ?? settings!.url;
  const places = {
    redis,
    redisSettings: settings?.file,
    folder: folder.path,
    controlPort: scan.control.port ?? control,
    resultsPort: scan.reducer.port ?? results,
  };
  const { map, wrap, parameters } = scan;
  return {
    plan: planOf(scan, places),
    redis,
    own: settings !== undefined,
    map,
    wrap,
    parameters,
    finite: endsByItself(scan),
  };
}

/**
 * A process manager's entries: Redis is started here unless one of them is one, or somebody says where it is.
 * @param known URL of the environment. @throws InputError
 */
export async function prepareEntries(
  file: string,
  entries: readonly UpEntry[],
  folder: UpFolder,
  known: string | undefined,
): Promise<Prepared> {
  const said = redisOf(entries);
  const settings =
    said === 'not-said' && known === undefined ? folder.redisSettings((await freePorts(1))[0]!) : undefined;
  const all = settings ? [redisEntry(settings.file), ...entries] : entries;
  const plan = adopt(file, all, settings?.url);
  const redis = settings?.url ?? (typeof said === 'object' ? said.url : known);
  return { plan, redis, own: settings !== undefined, map: undefined, wrap: true, parameters: new Map(), finite: false };
}
