/** The HTTP side of sardana: bodies that a scan posts (spec mapreduce.md 7 and 14). */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { httpOrigin } from '../../cli/http-address.ts';
import { UsageError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import { advertisedUrl } from '../address/advertise.ts';
import { thisHost } from '../address/socket.ts';
import type { MessageSource, RawMessage } from './messages.ts';
import { isSardanaBody, isSardanaPath } from './sardana.ts';

/**
 * Listens for a scan.
 * @param url `http://HOST:PORT`; port 0 picks a free one and says which
 * @param limit bytes of a body
 * @throws UsageError if the address makes no sense or cannot be had
 */
export async function httpMessages(url: string, say: (text: string) => void, limit: number): Promise<MessageSource> {
  const { hostname, port } = addressOf(url);
  const waiting: { message: RawMessage; taken: () => void }[] = [];
  let wake = () => {};
  let open = true;
  const server = createServer((request, response) => {
    const put = (message: RawMessage) =>
      // The scan waits while there is no room: its answer comes when the record was taken.
      new Promise<void>((taken) => {
        waiting.push({ message, taken });
        wake();
      });
    answer(request, response, { put, limit }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new UsageError(`cannot listen on ${url}: ${explain(error)}`)));
    server.listen({ host: hostname, port }, resolve);
  });
  const address = server.address();
  if (port === 0 && address !== null && typeof address === 'object')
    say(`${url} is ${advertisedUrl(httpOrigin(hostname, address.port), thisHost())}`);
  return {
    async *[Symbol.asyncIterator]() {
      while (open) {
        const next = waiting.shift();
        if (next) {
          yield next.message;
          next.taken();
        } else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
    close: () => {
      open = false;
      server.close();
      server.closeAllConnections();
      wake();
    },
  };
}

function addressOf(url: string): { hostname: string; port: number } {
  const parts = /^http:\/\/(\[[0-9a-fA-F:]+\]|[^:/[\]]*):(\d{1,5})\/?$/.exec(url);
  if (!parts) throw new UsageError(`"${url}" is no http://HOST:PORT to listen on`);
  return { hostname: parts[1]!.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(parts[2]) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { put, limit }: { readonly put: (message: RawMessage) => Promise<void>; readonly limit: number },
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://x');
  const reply = (status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (!isSardanaPath(pathname)) return void reply(404, { detail: 'Not Found' });
  if (request.method !== 'POST') return void reply(405, { detail: 'Method Not Allowed' });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to its end all the same: a connection that breaks amid a body hides the answer.
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) return void reply(413, { detail: `a body has at most ${limit} bytes` });
  const body = Buffer.concat(chunks);
  if (!isSardanaBody(pathname, body)) return void reply(422, { detail: 'the body is no such record' });
  await put([Buffer.from(pathname), body]);
  reply(200, null);
}
