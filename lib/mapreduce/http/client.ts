/** `map-control post|append|close|stop|status|watch`: the client of a running controller (spec mapreduce.md 12). */

import { setTimeout } from 'node:timers/promises';
import { DaqError } from '../../errors.ts';
import { wholeFile } from '../../stream/read-all.ts';
import { type Configs, connectedStreams } from '../redis/configs.ts';

export const ACTIONS = ['post', 'append', 'close', 'stop', 'status', 'watch'] as const;
export type Action = (typeof ACTIONS)[number];

export interface Progress {
  readonly uuid?: string;
  readonly phase: string;
  readonly reason?: string | null;
  readonly last_assigned: number;
  readonly completed_events: number;
  readonly total_events: number;
  readonly damaged: number;
  /** Not damaged, but a frame was missing and the payload was not called. */
  readonly incomplete?: number;
  readonly finished: boolean;
  readonly unfinished?: readonly string[];
}

export type Damaged = Readonly<Record<'lost' | 'failed' | 'incomplete', readonly (readonly [number, number])[]>>;

const PACE_MS = 250;

export class ControlClient {
  readonly #base: string;

  /** @param url of the controller, without a path */
  constructor(url: string) {
    this.#base = `${url.replace(/\/+$/, '')}/api/v1`;
  }

  /** @returns uuid of the map. @throws DaqError `refused` with the controller's code and sentence */
  async post(map: Buffer, wrap: boolean): Promise<string> {
    return (await this.#ask('POST', `sequence?all_wrap=${wrap}`, map)) as string;
  }

  async append(more: Buffer): Promise<void> {
    await this.#ask('POST', 'sequence/append', more);
  }

  async close(): Promise<void> {
    await this.#ask('POST', 'sequence/close');
  }

  async stop(): Promise<void> {
    await this.#ask('POST', 'stop');
  }

  async progress(): Promise<Progress> {
    return (await this.#ask('GET', 'progress')) as Progress;
  }

  async setParameter(name: string, value: string): Promise<void> {
    await this.#ask('POST', `parameter/${encodeURIComponent(name)}`, Buffer.from(value));
  }

  /** Of all parameters that a class describes. */
  async parameterNames(): Promise<readonly string[]> {
    return ((await this.#ask('GET', 'parameters')) as readonly { name: string }[]).map(({ name }) => name);
  }

  /** What services wrote into their common log as an error, oldest first. @param since Unix time in seconds */
  async errors(since: number): Promise<readonly string[]> {
    const records = (await this.#ask('GET', 'logs?level=ERROR')) as readonly Readonly<Record<string, string>>[];
    return records.filter(({ created }) => Number(created) >= since).map(({ name, msg }) => `${name}: ${msg}`);
  }

  /** Events that are over and not as they should be: first and last of each run, by what happened. */
  async damaged(): Promise<Damaged> {
    return (await this.#ask('GET', 'damaged')) as Damaged;
  }

  /** Where an event is, and why. */
  event(number: number): Promise<unknown> {
    return this.#ask('GET', `events/${number}`);
  }

  /** Map that the reducer has taken up; undefined if there is no reducer now. */
  async reducerMap(): Promise<string | null | undefined> {
    return ((await this.#ask('GET', 'config')) as Configs).reducer?.mapping_uuid;
  }

  /** `worker w1`, `ingester det-ingester`, `reducer reducer`: who is there; ingesters only when every worker is connected to them. */
  async services(): Promise<ReadonlySet<string>> {
    const configs = (await this.#ask('GET', 'config')) as Configs;
    const connected = connectedStreams(configs);
    const whole = configs.ingesters.filter(({ streams }) => streams.every((stream) => connected.has(stream)));
    return new Set([
      ...whole.map(({ name }) => `ingester ${name}`),
      ...configs.workers.map(({ name }) => `worker ${name}`),
      ...(configs.reducer ? ['reducer reducer'] : []),
    ]);
  }

  /** Progress whenever it has changed, until the scan is finished or `signal` aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<Progress> {
    let last = '';
    while (!signal.aborted) {
      const progress = await this.progress();
      const text = JSON.stringify(progress);
      if (text !== last) yield progress;
      last = text;
      if (progress.finished) return;
      await setTimeout(PACE_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: Buffer): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#base}/${path}`, { method, ...(body ? { body: new Uint8Array(body) } : {}) });
      text = await response.text();
    } catch (error) {
      const cause = (error as Error).cause as Error | undefined;
      throw new DaqError('connection-failed', `no controller answers: ${cause?.message ?? (error as Error).message}`, {
        place: { file: this.#base },
      });
    }
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch (cause) {
      const place = { file: this.#base };
      throw new DaqError('no-controller', `what answers is no map-control (HTTP ${response.status})`, { place, cause });
    }
    if (response.ok) return answer;
    throw new DaqError('refused', refusal(response.status, answer));
  }
}

function refusal(status: number, answer: unknown): string {
  const { detail } = (answer ?? {}) as { detail?: string | { code: string; message: string } };
  if (typeof detail === 'object') return `${detail.code}: ${detail.message}`;
  return `${status}: ${detail ?? JSON.stringify(answer).slice(0, 200)}`;
}

/** A map file, or `-`. @throws InputError */
export function readMapFile(file: string): Buffer {
  return wholeFile(file === '-' ? 0 : file);
}

/** One line for a person. */
export function progressLine({
  phase,
  reason,
  completed_events,
  total_events,
  damaged,
  incomplete = 0,
  unfinished = [],
}: Progress): string {
  const waits = unfinished.length > 0 ? `, waits for ${unfinished.join(', ')}` : '';
  const bad = (damaged > 0 ? `, ${damaged} damaged` : '') + (incomplete > 0 ? `, ${incomplete} incomplete` : '');
  return `${phase}${reason ? ` (${reason})` : ''}: ${completed_events} of ${total_events} events${bad}${waits}`;
}

/** The scan is over and every event is complete and whole. */
export function isWhole({ finished, damaged, incomplete = 0, completed_events, total_events }: Progress): boolean {
  return finished && damaged === 0 && incomplete === 0 && completed_events === total_events;
}
