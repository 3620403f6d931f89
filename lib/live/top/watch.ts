/** Asks all targets again and again, each at its own pace: who is slow holds up nobody else. */

import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataError } from '../../errors.ts';
import type { TopModel } from './model.ts';
import { parsePrometheus, type Sample } from './prometheus.ts';
import type { Targets } from './targets.ts';

const PATIENCE_MS = 2000;
const MOST_BYTES = 4 << 20;

/** Not by fetch, which refuses ports that browsers must not touch. @throws DataError, or what the socket says */
export async function askOnce(address: string, stop?: AbortSignal): Promise<Sample[]> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const response = await answerOf(address, stop === undefined ? limit : AbortSignal.any([limit, stop]));
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    if ((bytes += part.length) > MOST_BYTES)
      throw new DataError('metrics-text', `more than ${MOST_BYTES} bytes of metrics`);
  }
  if (response.statusCode !== 200) throw new DataError('metrics-text', `it answers with status ${response.statusCode}`);
  return parsePrometheus(Buffer.concat(parts).toString());
}

function answerOf(address: string, signal: AbortSignal): Promise<IncomingMessage> {
  const get = address.startsWith('https:') ? https.get : http.get;
  return new Promise((resolve, reject) => {
    get(address, { signal, agent: false }, resolve).once('error', reject);
  });
}

export class Watcher {
  private readonly model: TopModel;
  private readonly targets: Targets;
  private readonly now: () => number;
  private readonly asking = new Set<string>();

  /** @param now seconds */
  constructor(model: TopModel, targets: Targets, now: () => number) {
    this.model = model;
    this.targets = targets;
    this.now = now;
  }

  /** Asks everybody who has answered the last question. */
  async round(stop?: AbortSignal): Promise<void> {
    for (const { address, name } of this.targets()) this.model.expect(address, name);
    await Promise.all(
      this.model.addresses.filter((address) => !this.asking.has(address)).map((address) => this.ask(address, stop)),
    );
  }

  /** Rounds every `interval` seconds until stopped. */
  async run(interval: number, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      void this.round(stop);
      await sleep(interval * 1000, undefined, { signal: stop }).catch(() => {});
    }
  }

  private async ask(address: string, stop: AbortSignal | undefined): Promise<void> {
    this.asking.add(address);
    try {
      this.model.answered(address, await askOnce(address, stop), this.now());
    } catch (error) {
      if (!stop?.aborted) this.model.failed(address, reasonOf(error));
    } finally {
      this.asking.delete(address);
    }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message, cause } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'nobody listens there';
  return (cause as Error | undefined)?.name === 'TimeoutError' ? `no answer within ${PATIENCE_MS / 1000} s` : message;
}
