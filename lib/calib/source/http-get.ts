/** One GET with limits: time, bytes, hosts. Connections are kept for the next one, and there are never more than a few. */

import { Agent, get, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, get as tlsGet } from 'node:https';

/** What a server answered, whatever that is. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Of the last redirect, if there was one. */
  readonly url: URL;
}

/** Why there is no answer that can be used. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** Whether the same request may succeed a little later. */
  readonly passing: boolean;
  constructor(message: string, passing: boolean) {
    super(message);
    this.passing = passing;
  }
}

export interface HttpLimits {
  /** Milliseconds in which nothing comes. */
  readonly timeout: number;
  readonly connections: number;
}

/** Bytes per second below which a body that trickles in is given up, beyond the time-out. */
const SLOWEST = 64 * 1024;
const MOST_REDIRECTS = 3;
/** Of a body whose length nobody told. */
const FIRST_BLOCK = 64 * 1024;

export class HttpClient {
  private readonly agent: Agent;
  private readonly get: typeof get;
  private readonly timeout: number;

  /** Proxy variables of the environment are not looked at: Node's agents do not. */
  constructor(base: URL, { timeout, connections }: HttpLimits) {
    const settings = { keepAlive: true, maxSockets: connections };
    this.agent = base.protocol === 'https:' ? new TlsAgent(settings) : new Agent(settings);
    this.get = base.protocol === 'https:' ? tlsGet : get;
    this.timeout = timeout;
  }

  /**
   * @param most bytes of a body
   * @throws NoAnswer
   */
  async fetch(url: URL, most: number, stop: AbortSignal): Promise<Answer> {
    let at = url;
    for (let redirects = 0; ; redirects++) {
      const response = await this.request(at, stop);
      const { statusCode: status = 0, headers } = response;
      if (status < 300 || status > 399 || headers.location === undefined) {
        return { status, body: await this.bodyOf(response, most), url: at };
      }
      response.destroy();
      at = redirectedTo(at, headers.location);
      if (redirects === MOST_REDIRECTS) throw new NoAnswer(`it redirects more than ${MOST_REDIRECTS} times`, false);
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const options: RequestOptions = {
      agent: this.agent,
      timeout: this.timeout,
      signal,
      headers: { accept: 'application/json, application/octet-stream, */*', 'accept-encoding': 'identity' },
    };
    return new Promise((resolve, reject) => {
      let response: IncomingMessage | undefined;
      const request = this.get(url, options, (answer) => {
        response = answer;
        resolve(answer);
      });
      // The time-out is that of the socket, so it counts while a body comes too.
      request.on('timeout', () => {
        (response ?? request).destroy(new NoAnswer(`nothing came for ${this.timeout / 1000} s`, true));
      });
      request.on('error', (error) => reject(asNoAnswer(error)));
    });
  }

  private async bodyOf(response: IncomingMessage, most: number): Promise<Buffer> {
    const announced = Number(response.headers['content-length'] ?? Number.NaN);
    const tooLarge = () => {
      response.destroy();
      return new NoAnswer(`the answer is larger than ${most} bytes`, false);
    };
    if (announced > most) throw tooLarge();
    let body = Buffer.allocUnsafeSlow(Number.isNaN(announced) ? FIRST_BLOCK : announced);
    let length = 0;
    const start = performance.now();
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        if (length + chunk.length > most) throw tooLarge();
        if (length + chunk.length > body.length) {
          const larger = Buffer.allocUnsafeSlow(Math.min(most, Math.max(2 * body.length, length + chunk.length)));
          body.copy(larger, 0, 0, length);
          body = larger;
        }
        length += chunk.copy(body, length);
        const late = performance.now() - start - this.timeout;
        if (late > 0 && length < (late / 1000) * SLOWEST) throw new NoAnswer('the answer comes too slowly', true);
      }
    } catch (error) {
      throw length < announced && !(error instanceof NoAnswer)
        ? new NoAnswer(`the answer ends after ${length} of ${announced} bytes`, true)
        : asNoAnswer(error);
    }
    return body.subarray(0, length);
  }
}

/** @throws NoAnswer if that is another host: what it would say is not what the operator asked for */
function redirectedTo(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to?.origin !== from.origin) {
    throw new NoAnswer(`it redirects to another server, ${to?.origin ?? location.slice(0, 200)}`, false);
  }
  return to;
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ETIMEDOUT: 'the host does not answer',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
};

function asNoAnswer(error: unknown): NoAnswer {
  if (error instanceof NoAnswer) return error;
  const { code = '', message, name } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return new NoAnswer('the request was given up', false);
  return new NoAnswer(SENTENCES[code] ?? message, true);
}
