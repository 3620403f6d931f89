/** A small HTTP server: routes, bodies with a limit, JSON answers (spec mapreduce.md 11 and 14). */

import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { httpOrigin } from '../../cli/http-address.ts';
import { UsageError } from '../../errors.ts';

export interface Request {
  readonly url: URL;
  /** What stands in the places of `{...}` in the route. */
  readonly names: readonly string[];
  readonly body: Buffer;
  readonly headers: IncomingHttpHeaders;
}

export interface Reply {
  readonly status?: number;
  readonly type?: string;
  readonly body: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** `/api/v1/events/{n}`. */
  readonly path: string;
  /** Bytes of a body; 0 by default. */
  readonly limit?: number;
  answer(request: Request): Reply | Promise<Reply>;
  /** Instead of `answer`: writes as long as the client listens. */
  stream?(request: Request, response: ServerResponse, gone: AbortSignal): Promise<void>;
}

export interface HttpOptions {
  readonly routes: readonly Route[];
  /** What a thrown error means. @returns undefined for a fault of ours */
  explain(error: unknown): Reply | undefined;
  /** Origin that browsers may come from; undefined: only this one. */
  readonly cors: string | undefined;
  say(message: string): void;
}

/** A body is larger than its limit. */
class TooLarge extends Error {}

const OLDEST_HEAD = 16 * 1024;

export function json(value: unknown, status = 200): Reply {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

export class HttpServer {
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #closing = false;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#server = createServer(
      { maxHeaderSize: OLDEST_HEAD },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.on('connection', (socket) => {
      // A process that was stopped finds some that came meanwhile, after it has been told to close.
      if (this.#closing) return void socket.destroy();
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
  }

  /** @returns `http://address:port` that is bound. @throws UsageError if the port cannot be had */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
        reject(
          new UsageError(
            `cannot listen on ${httpOrigin(host, port)}: ${code === 'EADDRINUSE' ? 'the port is in use' : message}`,
          ),
        );
      });
      this.#server.listen(port, host, resolve);
    });
    const { address, port: taken } = this.#server.address() as AddressInfo;
    return httpOrigin(address, taken);
  }

  /** Hangs up on everybody. */
  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#connections) socket.destroy();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cors } = this.#options;
    if (cors !== undefined) {
      response.setHeader('access-control-allow-origin', cors);
      response.setHeader('access-control-allow-headers', 'content-type');
      if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    }
    try {
      await this.#route(request, response);
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      this.#send(response, this.#failure(error));
    }
  }

  #failure(error: unknown): Reply {
    if (error instanceof TooLarge)
      return {
        ...json({ detail: { code: 'too-large', message: error.message } }, 413),
        headers: { connection: 'close' },
      };
    const known = this.#options.explain(error);
    if (known) return known;
    this.#options.say(`request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return json({ detail: { code: 'internal', message: 'the request failed' } }, 500);
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOf(request.url ?? '/');
    if (!url) return this.#send(response, json({ detail: 'Bad Request' }, 400));
    const { pathname } = url;
    if (pathname.length > 1 && pathname.endsWith('/')) {
      this.#send(response, { status: 307, body: '', headers: { location: pathname.replace(/\/+$/, '') + url.search } });
      return;
    }
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const fitting = this.#options.routes.flatMap((route) => {
      const names = match(route.path, pathname);
      return names ? [{ route, names }] : [];
    });
    const found = fitting.find(({ route }) => route.method === method);
    if (!found) {
      const allow = fitting.map(({ route }) => route.method).join(', ');
      return this.#send(
        response,
        fitting.length > 0
          ? { ...json({ detail: 'Method Not Allowed' }, 405), headers: { allow } }
          : json({ detail: 'Not Found' }, 404),
      );
    }
    const { route, names } = found;
    const body = await bodyOf(request, route.limit ?? 0);
    const { headers } = request;
    if (!route.stream) return this.#send(response, await route.answer({ url, names, body, headers }));
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    await route.stream({ url, names, body, headers }, response, gone.signal);
  }

  #send(
    response: ServerResponse,
    { status = 200, type = 'text/plain; charset=utf-8', body, headers = {} }: Reply,
  ): void {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
    response.end(response.req.method === 'HEAD' ? undefined : body);
  }
}

function urlOf(text: string): URL | undefined {
  // A second slash would begin the name of a host.
  return URL.canParse(text, 'http://x') && !text.startsWith('//') ? new URL(text, 'http://x') : undefined;
}

/** What stands in the places of a route; undefined if it is another path. */
function match(route: string, pathname: string): string[] | undefined {
  const wanted = route.split('/');
  const given = pathname.split('/');
  if (wanted.length !== given.length) return undefined;
  const names: string[] = [];
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith('{')) {
      try {
        names.push(decodeURIComponent(given[i]!));
      } catch {
        return undefined;
      }
    } else if (part !== given[i]) return undefined;
  }
  return names;
}

/** Stops reading as soon as it is too much. */
async function bodyOf(request: IncomingMessage, limit: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw new TooLarge(`the body has ${announced} bytes; at most ${limit} are taken`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new TooLarge(`the body has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
