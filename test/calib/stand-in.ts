/** Services for tests, in this process: the stand-in of calib-serve, and one that answers whatever a test wants. */

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { parseDetectors } from '../../lib/calib/fetch-flags.ts';
import { Answers } from '../../lib/calib/serve/answers.ts';
import { type FaultRules, Faults } from '../../lib/calib/serve/faults.ts';
import { CalibServer, type RequestLine } from '../../lib/calib/serve/server.ts';
import { openShelf } from '../../lib/calib/source/open.ts';

export interface StandIn {
  readonly url: string;
  readonly requests: readonly RequestLine[];
  readonly server: CalibServer;
}

/** calib-serve on a free port, until the test ends. */
export async function standIn(
  t: Test,
  shelf: string,
  { det = [], delay = 0, ...rules }: FaultRules & { det?: string[]; delay?: number } = {},
): Promise<StandIn> {
  const requests: RequestLine[] = [];
  const server = new CalibServer({
    answers: new Answers(openShelf(shelf), parseDetectors(det)),
    faults: new Faults(rules),
    host: '127.0.0.1',
    port: 0,
    delay,
    onRequest: (line) => requests.push(line),
    note: () => {},
  });
  const url = await server.listen();
  t.teardown(() => server.close());
  return { url, requests, server };
}

/** @returns the base address of a server that answers with `listener`, until the test ends */
export async function service(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/calib_ws`;
}
