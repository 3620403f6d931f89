/** A subscription: every message of constants that comes, those that repeat others marked. */

import { Subscriber } from 'zeromq';
import { UsageError } from '../../errors.ts';
import { parseZmqUrl } from '../../stream/zmq/address.ts';
import { attach, KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { type ReceivedPickle, type ReceivedSet, readMessage } from './received.ts';
import { Repeats } from './repeats.ts';

export interface ListenOptions {
  /** `ipc://PATH` or `tcp://HOST:PORT`. */
  endpoint: string;
  /** Milliseconds to wait for each message; undefined for ever. */
  wait: number | undefined;
  stop: AbortSignal;
}

export interface Heard {
  message: ReceivedSet | ReceivedPickle;
  /** It was heard before, from a publisher that has been started again. */
  repeat: boolean;
}

/**
 * Messages as they come, until `stop` or until nothing comes in time.
 * @throws UsageError if the endpoint is none, DataError `bad-constants` at a message that cannot be read
 */
export async function* listen({ endpoint, wait, stop }: ListenOptions): AsyncIterable<Heard> {
  if (!/^(ipc|tcp):\/\//.test(endpoint)) throw new UsageError(`${endpoint}: write ipc://PATH or tcp://HOST:PORT`);
  const address = parseZmqUrl(`zmq+${endpoint}?type=sub`, 'source');
  const socket = new Subscriber({ linger: 0, receiveTimeout: wait ?? -1, ipv6: address.ipv6, ...KEEP_ALIVE });
  const close = () => socket.close();
  stop.addEventListener('abort', close, { once: true });
  const repeats = new Repeats();
  try {
    socket.subscribe('');
    await attach(socket, address);
    while (!stop.aborted) {
      const message = readMessage(await socket.receive());
      yield { message, repeat: message.format === 'npy-frames' && repeats.has(message) };
    }
  } catch (error) {
    // EAGAIN: nothing came in time.
    if (!stop.aborted && (error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  } finally {
    stop.removeEventListener('abort', close);
    if (!socket.closed) socket.close();
  }
}
