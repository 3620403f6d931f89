/** Failures of user code in the log: each distinct place once, with its traceback, then only counted (spec mapreduce.md 8). */

import type { Meter } from '../../cli/metrics.ts';
import type { Registry } from '../redis/registry.ts';
import type { Failure } from './types.ts';

const MOST_PLACES = 1000;

export class FailureLog {
  readonly #say: (message: string) => void;
  readonly #counts = new Map<string, number>();

  constructor(say: (message: string) => void) {
    this.#say = say;
  }

  /** @param what `event 17` */
  add(what: string, { text, place, traceback }: Failure): void {
    const key = place === '' ? text : place;
    const count = this.#counts.get(key) ?? 0;
    if (count > 0 || this.#counts.size < MOST_PLACES) this.#counts.set(key, count + 1);
    if (count > 0) return;
    this.#say(
      `${what}: ${text}${place === '' || place === text ? '' : ` (${place})`}; further failures there are only counted`,
    );
    const rest = traceback.trimEnd();
    if (rest !== '' && rest !== text) this.#say(rest);
  }

  get meter(): Meter {
    return {
      name: 'map_payload_failures_total',
      help: 'Failures of the payload, by place',
      kind: 'counter',
      label: 'place',
      value: () => Object.fromEntries(this.#counts),
    };
  }
}

/** Failures of a service: told here and in the common log of all services. @param name of the service */
export function commonFailureLog(registry: Registry, name: string, say: (message: string) => void): FailureLog {
  return new FailureLog((message) => {
    say(message);
    void registry.log('ERROR', name, message).catch(() => {});
  });
}
