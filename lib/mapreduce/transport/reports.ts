/** Reports on their way: numbered, those of one turn of the event loop together, sent until they are known to be taken. */

import type { Registry } from '../redis/registry.ts';
import type { Report } from '../redis/reports.ts';

export interface ReportSender {
  send(report: Report): void;
  /** Everything is on its way. */
  drained(): Promise<void>;
}

/** Numbers reports from 1 (spec 5.2: one that is sent twice counts once). */
export class ReportNumbers {
  readonly #service: string;
  #last = 0;

  /** @param service uuid of the service: a restarted one counts anew */
  constructor(service: string) {
    this.#service = service;
  }

  put(report: Report): NumberedReport {
    return { ...report, service_uuid: this.#service, report: ++this.#last };
  }
}

export type NumberedReport = Report & { readonly service_uuid: string; readonly report: number };

/** Into the stream `ready`. A command whose answer was lost is sent again; the number tells. */
export class StreamReports implements ReportSender {
  readonly #registry: Registry;
  readonly #key: string;
  #waiting: Report[] = [];
  #sending: Promise<void> = Promise.resolve();

  constructor(registry: Registry, map: string) {
    this.#registry = registry;
    this.#key = registry.keys.ready(map);
  }

  send(report: Report): void {
    if (this.#waiting.push(report) > 1) return;
    this.#sending = this.#sending.then(() => new Promise((done) => setImmediate(() => done(this.#flush()))));
  }

  async #flush(): Promise<void> {
    const reports = this.#waiting;
    this.#waiting = [];
    const pipeline = this.#registry.redis.pipeline();
    for (const report of reports) pipeline.xadd(this.#key, '*', 'data', JSON.stringify(report));
    await pipeline.exec();
  }

  drained(): Promise<void> {
    return this.#sending;
  }
}
