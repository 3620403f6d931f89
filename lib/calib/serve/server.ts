/** The stand-in of the web service over HTTP, on the loopback unless told otherwise. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Balance } from '../../cli/balance.ts';
import { DaqError, UsageError } from '../../errors.ts';
import type { Answers, Reply } from './answers.ts';
import type { Faults } from './faults.ts';

/** One line of the log. */
export interface RequestLine {
  /** Seconds since 1970. */
  readonly t: number;
  readonly path: string;
  readonly query: string | null;
  readonly status: number;
  readonly bytes: number;
  /** What was done to it on purpose. */
  readonly fault?: string;
}

export interface ServeOptions {
  readonly answers: Answers;
  readonly faults: Faults;
  readonly host: string;
  readonly port: number;
  /** Milliseconds before every answer. */
  readonly delay: number;
  readonly onRequest: (line: RequestLine) => void;
  /** Sentences for a person. */
  readonly note: (message: string) => void;
}

/** Where the addresses begin, as they do at the real one. */
const ROOT = 'calib_ws';
const KINDS = { json: 'application/json', bytes: 'application/octet-stream', text: 'text/plain' } as const;

export class CalibServer {
  private readonly options: ServeOptions;
  private readonly server: Server;
  private readonly counts = {
    requests: 0,
    underWay: 0,
    answered: 0,
    absent: 0,
    refused: 0,
    faulty: 0,
    broken: 0,
    gone: 0,
  };
  private sent = 0;

  constructor(options: ServeOptions) {
    this.options = options;
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  get bytes(): number {
    return this.sent;
  }

  /** @returns the base address. @throws UsageError if the port cannot be had */
  async listen(): Promise<string> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
        const why = code === 'EADDRINUSE' ? 'the port is in use' : message;
        reject(new UsageError(`cannot listen on ${host}:${port}: ${why}`));
      });
      this.server.listen(port, host, resolve);
    });
    const { port: taken } = this.server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${taken}/${ROOT}`;
  }

  /** Requests = answered, and what else became of them. */
  balance(): Balance {
    const { requests, underWay, answered, absent, refused, faulty, broken, gone } = this.counts;
    return {
      in: requests,
      out: answered,
      losses: {
        'not-found': absent,
        refused,
        'failed-on-purpose': faulty,
        'unreadable-folder': broken,
        'client-gone': gone,
        'under-way': underWay,
      },
    };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults, delay, onRequest } = this.options;
    this.counts.requests++;
    this.counts.underWay++;
    const fate = faults.next();
    const url = new URL(request.url ?? '/', 'http://x');
    const query = url.searchParams.get('query_string');
    if (delay > 0) await setTimeout(delay, undefined, { ref: false });
    const reply = fate.kind === 'fail' ? failure(fate.status) : await this.replyTo(request, url, query);
    const cut = fate.kind === 'answer' && reply.kind === 'bytes' ? fate.cut : undefined;
    const fault = fate.kind === 'fail' ? 'status' : cut !== undefined && cut < reply.body.length ? 'cut' : undefined;
    onRequest({
      t: Date.now() / 1000,
      path: url.pathname,
      query,
      status: reply.status,
      bytes: reply.body.length,
      ...(fault === undefined ? {} : { fault }),
    });
    const whole = await this.send(response, reply, fault === 'cut' ? cut : undefined);
    this.count(reply.status, fault !== undefined, whole);
  }

  private async replyTo(request: IncomingMessage, url: URL, query: string | null): Promise<Reply> {
    if (request.method !== 'GET') return { status: 405, kind: 'text', body: Buffer.from('GET only\n') };
    const [root, ...path] = url.pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decoded);
    if (root !== ROOT || path.includes(undefined)) {
      return { status: 404, kind: 'text', body: Buffer.from(`addresses begin with /${ROOT}\n`) };
    }
    try {
      return await this.options.answers.get(path as string[], query ?? undefined);
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
      const sentence = `${error.place.file ?? ''}: ${error.message}`;
      this.options.note(sentence);
      return { status: 500, kind: 'text', body: Buffer.from(`${sentence}\n`) };
    }
  }

  /** False if the client has gone before everything was written. */
  private send(response: ServerResponse, { status, kind, body }: Reply, cut: number | undefined): Promise<boolean> {
    response.writeHead(status, { 'content-type': KINDS[kind], 'content-length': body.length });
    return new Promise((resolve) => {
      response.once('close', () => resolve(response.writableFinished));
      if (cut === undefined) {
        response.end(body);
        this.sent += body.length;
      } else {
        response.write(body.subarray(0, cut), () => response.destroy());
        this.sent += cut;
      }
    });
  }

  private count(status: number, faulty: boolean, whole: boolean): void {
    const { counts } = this;
    counts.underWay--;
    if (faulty) counts.faulty++;
    else if (!whole) counts.gone++;
    else if (status === 200) counts.answered++;
    else if (status === 404) counts.absent++;
    else if (status === 500) counts.broken++;
    else counts.refused++;
  }
}

function failure(status: number): Reply {
  return { status, kind: 'text', body: Buffer.from('failed on purpose (--fail)\n') };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
