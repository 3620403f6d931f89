/** The small web server of `daq-view`: a page, its script and style, and events for whoever looks. */

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { httpOrigin } from '../../cli/http-address.ts';
import { packageRoot } from '../../cli/package-root.ts';
import { DaqError, UsageError } from '../../errors.ts';
import type { Audience } from './audience.ts';
import { admit, HEADERS } from './gate.ts';
import { plotNamed } from './request.ts';
import { Viewer } from './viewer.ts';

const PAGE = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/licences.txt': ['licences.txt', 'text/plain; charset=utf-8'],
} as const;

const MOST_VIEWERS = 64;
const MOST_PLOTS = 32;

export interface ViewServer {
  /** `http://127.0.0.1:8080`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** @throws UsageError if the address cannot be had, DaqError `not-built` if the page has not been built */
export async function serveView(host: string, port: number, audience: Audience): Promise<ViewServer> {
  const files = readPage();
  const names = [hostname(), host].map((name) => name.toLowerCase());
  const server = createServer((request, response) => {
    const admitted = admit(
      {
        method: request.method,
        url: request.url,
        host: request.headers.host,
        fetchSite: header(request, 'sec-fetch-site'),
      },
      names,
    );
    if (!(admitted instanceof URL)) return answer(response, admitted.status, admitted.words);
    const file = files.get(admitted.pathname);
    if (file !== undefined) response.writeHead(200, { ...HEADERS, 'content-type': file.type }).end(file.body);
    else if (admitted.pathname === '/events') openViewer(response, admitted, audience);
    else answer(response, 404, 'there is no such page');
  });
  await listen(server, host, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    origin: httpOrigin(host, taken),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function openViewer(response: ServerResponse, url: URL, audience: Audience): void {
  if (audience.viewers.size >= MOST_VIEWERS) return answer(response, 503, `there are ${MOST_VIEWERS} viewers already`);
  const words = [...new Set(url.searchParams.getAll('plot'))];
  if (words.length > MOST_PLOTS) return answer(response, 400, `more than ${MOST_PLOTS} plots`);
  const plots = url.searchParams.has('plot') ? words.filter(Boolean).map(plotNamed) : undefined;
  const viewer = new Viewer(response, plots, () => audience.leave(viewer));
  audience.join(viewer);
}

function answer(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${words}\n`);
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** All files at once, before anybody asks: what is served cannot be chosen by who asks. */
function readPage(): Map<string, { body: Buffer; type: string }> {
  const folder = join(packageRoot(), 'dist', 'pages', 'view');
  if (!existsSync(folder)) throw new DaqError('not-built', 'the page has not been built yet: run "npm run build"');
  return new Map(
    Object.entries(PAGE).map(([path, [name, type]]) => [path, { body: readFileSync(join(folder, name)), type }]),
  );
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why = code === 'EADDRINUSE' ? 'the port is in use' : message;
      reject(new UsageError(`--bind: cannot listen on ${httpOrigin(host, port)}: ${why}`));
    });
    server.listen(port, host, resolve);
  });
}
