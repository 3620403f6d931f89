/** Where messages of sources come from: sockets, HTTP, dgrams, files (spec mapreduce.md 7). Thin: no format is known here. */

import { createConnection, type Socket as TcpSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pull, Subscriber } from 'zeromq';
import { DaqError, UsageError } from '../../errors.ts';
import { DgramReader } from '../../stream/dgram-reader.ts';
import { openStream } from '../../stream/open.ts';
import { explain } from '../../stream/source.ts';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { FRAMING_LOST } from '../../xtc/finding.ts';
import { openCapture } from '../record/reader.ts';
import { ANSWER, GREETING } from './pcap-raw.ts';

export type RawMessage = readonly Buffer[];

/** Messages until the source ends or is closed. Reading is asking: what nobody reads waits at the sender, if the carrier can. */
export interface MessageSource extends AsyncIterable<RawMessage> {
  /** Works any number of times. */
  close(): void;
}

/** Messages that may wait inside the library; bytes are watched behind it. */
const PULL_MESSAGES = 100;
const SUB_MESSAGES = 10_000;

/** A detector's socket: `tcp://HOST:PORT` or `ipc://PATH`. */
export function zmqMessages(url: string, carrier: 'pull' | 'sub'): MessageSource {
  // No maxMessageSize: the library would leave the detector for good at the first part that is larger.
  const settings = { ...KEEP_ALIVE, linger: 0, reconnectInterval: 100, reconnectMaxInterval: 2000 };
  const socket =
    carrier === 'sub'
      ? new Subscriber({ ...settings, receiveHighWaterMark: SUB_MESSAGES })
      : new Pull({ ...settings, receiveHighWaterMark: PULL_MESSAGES });
  try {
    if (socket instanceof Subscriber) socket.subscribe();
    socket.connect(url.replace(/^zmq\+/, ''));
  } catch (error) {
    socket.close();
    throw new UsageError(`"${url}" is no tcp://HOST:PORT or ipc://PATH: ${(error as Error).message}`);
  }
  return {
    async *[Symbol.asyncIterator]() {
      while (!socket.closed) {
        try {
          yield await socket.receive();
        } catch (error) {
          if (socket.closed) return;
          throw error;
        }
      }
    },
    close: () => socket.close(),
  };
}

/** A capture, message by message. */
export function capturedMessages(file: string): MessageSource {
  let open = true;
  return {
    async *[Symbol.asyncIterator]() {
      const capture = await openCapture(file);
      for await (const message of capture) {
        if (!open) return;
        yield message;
      }
      if (capture.damage) throw new DaqError('bad-capture', capture.damage.message, { place: { file } });
    },
    close: () => {
      open = false;
    },
  };
}

/** Each dgram of an XTC2 stream. @param say told where it cannot be read any further */
export function dgramMessages(url: string, say: (text: string) => void): MessageSource {
  const stop = new AbortController();
  return {
    async *[Symbol.asyncIterator]() {
      const reader = new DgramReader(await openStream(url), { stop: stop.signal });
      try {
        do {
          // The reader's memory is used again, and frames are kept.
          while (reader.next()) yield [Buffer.from(reader.dgram.slice())];
        } while (await reader.fill());
        const lost = reader.findings.find(({ code }) => FRAMING_LOST.has(code));
        if (lost) say(`${reader.name}: byte ${lost.offset}: ${lost.detail}`);
      } finally {
        reader.close();
      }
    },
    close: () => stop.abort(),
  };
}

const RECONNECT_MS = 500;
const LONGEST_LINE = 1 << 20;
const NEWLINE = 0x0a;

/** Lines of a position capture unit at `tcp://HOST:PORT`; a lost connection is made again. */
export function lineMessages(url: string, say: (text: string) => void): MessageSource {
  const parsed = /^tcp:(?:\/\/)?(\[[0-9a-fA-F:]+\]|[^:[\]/]+):(\d+)$/.exec(url);
  if (!parsed) throw new UsageError(`"${url}" is no tcp://HOST:PORT`);
  const place = { host: parsed[1]!.replace(/^\[|\]$/g, ''), port: Number(parsed[2]) };
  let socket: TcpSocket | undefined;
  const stop = new AbortController();
  return {
    async *[Symbol.asyncIterator]() {
      while (!stop.signal.aborted) {
        socket = createConnection(place);
        socket.write(GREETING);
        try {
          yield* withoutAnswer(linesOf(socket));
          if (!stop.signal.aborted) say(`${url}: the connection was closed; connecting again`);
        } catch (error) {
          if (!stop.signal.aborted) say(`${url}: ${explain(error)}; connecting again`);
        }
        socket.destroy();
        if (!stop.signal.aborted) await pause(stop.signal);
      }
    },
    close: () => {
      stop.abort();
      socket?.destroy();
    },
  };
}

/** Ends early when it is aborted. */
async function pause(signal: AbortSignal): Promise<void> {
  await sleep(RECONNECT_MS, undefined, { signal }).catch(() => {});
}

async function* linesOf(socket: TcpSocket): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      yield bytes.subarray(0, end + 1);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
    if (rest.length > LONGEST_LINE) throw new DaqError('bad-source', 'a line has no end');
  }
}

async function* withoutAnswer(lines: AsyncGenerator<Buffer>): AsyncGenerator<RawMessage> {
  const first = await lines.next();
  if (first.done) return;
  if (first.value.toString('latin1') !== ANSWER)
    throw new DaqError('bad-source', `the answer to the greeting is not OK but ${JSON.stringify(String(first.value))}`);
  for await (const line of lines) yield [line];
}
