/** The controller over HTTP (spec mapreduce.md 11). */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { version } from '../../cli/version.ts';
import type { Controller } from '../control/controller.ts';
import type { Limits } from '../control/limits.ts';
import { mappingAsMap, uniformMap } from '../control/plan.ts';
import { Refused } from '../control/refused.ts';
import { damagedEvents, eventStatus, loads, progress, status } from '../control/status.ts';
import { wholeSequence } from '../control/whole-sequence.ts';
import { MapRefused } from '../map/types.ts';
import { prefixProblem } from '../record/places.ts';
import { logLines, recentLogs } from './logs.ts';
import { CONTROL_PAGE } from './page.ts';
import { json, type Reply, type Request, type Route } from './server.ts';

const BYTES = 'application/x.bytes';
/** Who reads the log for ever; each has a connection to Redis. */
const MOST_READERS = 32;
const NOT_WRAPPED = new Set(['false', '0', 'no', 'off', 'f', 'n']);

/** Refusals of the state of services are 400, those of the text 422 (spec 2). */
export function explain(error: unknown): Reply | undefined {
  if (error instanceof MapRefused) {
    const now = error.code === 'streams' || error.code === 'workers' || error.code === 'tags';
    return json({ detail: { code: error.code, message: error.message } }, now ? 400 : 422);
  }
  if (error instanceof Refused) {
    const { code, message, names } = error;
    return json({ detail: { code, message, ...(names.length > 0 ? { missing: names } : {}) } }, error.status);
  }
  return undefined;
}

/** @param metrics Prometheus text */
export function controlRoutes(controller: Controller, limits: Limits, metrics: () => Promise<Reply>): Route[] {
  const api = '/api/v1';
  let readers = 0;
  return [
    { method: 'GET', path: '/', answer: () => CONTROL_PAGE },
    { method: 'GET', path: '/metrics', answer: metrics },
    { method: 'GET', path: `${api}/metrics`, answer: metrics },
    { method: 'GET', path: `${api}/config`, answer: () => json(configOf(controller)) },
    { method: 'GET', path: `${api}/status`, answer: ({ url }) => json(status(controller, isOn(url, 'all', false))) },
    { method: 'GET', path: `${api}/progress`, answer: () => json(progress(controller)) },
    { method: 'GET', path: `${api}/load`, answer: ({ url }) => json(loadOf(controller, url)) },
    { method: 'GET', path: `${api}/damaged`, answer: () => json(damagedEvents(controller)) },
    { method: 'GET', path: `${api}/events/{n}`, answer: (request) => eventOf(controller, request) },
    ...mapRoutes(controller, limits, api),
    ...parameterRoutes(controller, limits, api),
    {
      method: 'GET',
      path: `${api}/logs`,
      answer: async ({ url }) => json(await recentLogs(controller.registry, url.searchParams.get('level'))),
    },
    {
      method: 'GET',
      path: `${api}/log_stream`,
      answer: () => json(null),
      stream: async (_, response, gone) => {
        if (readers >= MOST_READERS) throw new Refused(503, 'readers', `${readers} read the log already`);
        readers++;
        await streamLogs(controller, response, gone).finally(() => readers--);
      },
    },
  ];
}

function mapRoutes(controller: Controller, limits: Limits, api: string): Route[] {
  const limit = limits.map;
  const sequence = (): Reply => {
    const { run } = controller;
    return { type: 'application/json', body: run ? wholeSequence(run) : '{"parts":{},"sequence":[]}' };
  };
  const post = async (body: Buffer, url: URL) => json(await controller.post(body, isOn(url, 'all_wrap', true)));
  return [
    { method: 'POST', path: `${api}/sequence`, limit, answer: ({ body, url }) => post(body, url) },
    { method: 'GET', path: `${api}/sequence`, answer: sequence },
    { method: 'POST', path: `${api}/mapping`, limit, answer: ({ body, url }) => post(mappingAsMap(body), url) },
    { method: 'GET', path: `${api}/mapping`, answer: sequence },
    {
      method: 'POST',
      path: `${api}/sequence/append`,
      limit,
      answer: async ({ body }) => {
        await controller.append(body);
        return json(controller.mapping);
      },
    },
    {
      method: 'POST',
      path: `${api}/sequence/close`,
      limit,
      answer: () => {
        controller.close();
        return json(controller.mapping);
      },
    },
    {
      method: 'POST',
      path: `${api}/stop`,
      limit,
      answer: () => {
        controller.stop();
        return json(null);
      },
    },
    {
      method: 'POST',
      path: `${api}/sardana_hook`,
      limit: limits.sardana,
      answer: async ({ body }) => {
        const known = controller.watch.configs.ingesters.flatMap(({ streams }) => streams);
        return json(await controller.post(uniformMap(body.toString(), known, limits.events), true));
      },
    },
  ];
}

function parameterRoutes(controller: Controller, limits: Limits, api: string): Route[] {
  const { parameters, options } = controller;
  return [
    { method: 'GET', path: `${api}/parameters`, answer: () => json(parameters.descriptions) },
    {
      method: 'GET',
      path: `${api}/parameter/{name}`,
      answer: ({ names: [name] }) => {
        const data = parameters.get(name!);
        return data ? { type: BYTES, body: data } : json({ detail: `there is no parameter ${name}` }, 404);
      },
    },
    {
      method: 'POST',
      path: `${api}/parameter/{name}`,
      limit: limits.parameter,
      answer: async ({ names: [name], body }) => {
        if (name === 'dump_prefix' && body.length > 0) {
          const why = options.dumpRoot === undefined ? 'there is no --dump-root' : prefixProblem(body.toString());
          if (why !== undefined) throw new Refused(422, 'dump_prefix', `recordings cannot be made there: ${why}`);
        }
        return json(await controller.setParameter(name!, body));
      },
    },
  ];
}

function isOn(url: URL, name: string, otherwise: boolean): boolean {
  const value = url.searchParams.get(name);
  return value === null ? otherwise : !NOT_WRAPPED.has(value.toLowerCase());
}

function configOf({ watch, parameters }: Controller): object {
  return {
    ...watch.configs,
    controller_version: version,
    parameters_version: parameters.versions,
    parameters_hash: parameters.hash,
  };
}

function loadOf(controller: Controller, url: URL): object {
  const given = url.searchParams.getAll('intervals').map(Number);
  if (given.some((seconds) => !Number.isInteger(seconds) || seconds < 1))
    throw new Refused(422, 'intervals', 'intervals are whole seconds');
  return loads(controller, given.length > 0 ? given : [1, 10], isOn(url, 'scan', true), Date.now());
}

function eventOf(controller: Controller, { names }: Request): Reply {
  const event = /^\d{1,15}$/.test(names[0]!) ? eventStatus(controller, Number(names[0])) : undefined;
  return event ? json(event) : json({ detail: `there is no event ${names[0]}` }, 404);
}

/** Endless: a line per record. */
async function streamLogs({ registry }: Controller, response: ServerResponse, gone: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  for await (const line of logLines(registry, gone)) {
    if (!response.write(`${JSON.stringify(line)}\n`))
      await Promise.race([once(response, 'drain'), once(gone, 'abort')]);
  }
  response.end();
}
