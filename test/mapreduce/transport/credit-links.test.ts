/** A worker's link against a controller that is nothing but a socket (spec mapreduce.md 18): answers that are late, lost or repeated. */

import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { Router } from 'zeromq';
import { CreditsWorkerLink } from '../../../lib/mapreduce/transport/credit-links.ts';
import type { WorkNews } from '../../../lib/mapreduce/transport/types.ts';

const MAP = 'm';
const DONE = { has_result: [false] };
const item = (event_number: number, attempt = 1) => ({ event_number, streams_from: ['det'], attempt, origin: 'w' });

interface Said {
  readonly hello?: object;
  readonly reports: readonly { readonly report: number; readonly completed: readonly number[] }[];
}

class Controller {
  readonly #socket = new Router({ linger: 0 });
  #peer: Buffer | undefined;

  static async open(t: Test): Promise<Controller> {
    const controller = new Controller();
    await controller.#socket.bind('tcp://127.0.0.1:*');
    t.teardown(() => controller.#socket.close());
    return controller;
  }

  get url(): string {
    return this.#socket.lastEndpoint!;
  }

  async hears(): Promise<Said> {
    const [peer, text] = await this.#socket.receive();
    this.#peer = peer;
    return JSON.parse(String(text)) as Said;
  }

  /** The next hello. @returns the reports that came with it and before it */
  async hello(): Promise<Said['reports']> {
    const reports: Said['reports'][] = [];
    for (;;) {
      const said = await this.hears();
      reports.push(said.reports);
      if (said.hello) return reports.flat();
    }
  }

  says(message: object): Promise<void> {
    return this.#socket.send([this.#peer!, JSON.stringify({ map: MAP, reports: 0, ...message })]);
  }
}

function open(
  t: Test,
  control: string,
  say: (message: string) => void = t.comment,
  ofMap = true,
): { link: CreditsWorkerLink; next: () => Promise<WorkNews> } {
  const registry = { serviceUuid: randomUUID() };
  const link = new CreditsWorkerLink({ registry, name: 'w', map: MAP, control, say, ofMap });
  t.teardown(() => link.close());
  const news = link.work()[Symbol.asyncIterator]();
  return { link, next: async () => (await news.next()).value as WorkNews };
}

const given = (...work: WorkNews['given']): WorkNews => ({ given: work, withdrawn: [] });

t.test('what is reported while the answer is on its way is not taken up again', async (t) => {
  const [first, second] = [await Controller.open(t), await Controller.open(t)];
  const { link, next } = open(t, first.url);
  await first.hello();
  await first.says({ again: true, work: [item(7), item(8)] });
  t.same(await next(), given(item(7), item(8)));

  link.moved(second.url);
  t.same(await second.hello(), [], 'nothing is done yet');
  link.report({ completed: [7], ...DONE });
  await second.says({ again: true, work: [item(7), item(8)] });
  const { reports } = await second.hears();
  t.match(reports, [{ report: 1, completed: [7] }]);
  await second.says({ number: 1, reports: 1, work: [item(9)] });
  t.same(await next(), given(item(9)), 'neither 7 nor 8 once more');

  // Taken, and given again all the same: its result was lost with the reducer.
  await second.says({ number: 2, reports: 1, work: [item(7, 2)] });
  t.same(await next(), given(item(7, 2)));
});

t.test('what the whole does not contain is withdrawn', async (t) => {
  const controller = await Controller.open(t);
  const { next } = open(t, controller.url);
  await controller.hello();
  await controller.says({ again: true, work: [item(1), item(2)] });
  await next();
  await controller.says({ again: true, work: [item(2), item(3)] });
  t.same(await next(), { given: [item(3)], withdrawn: [item(1)] });
  await controller.says({ again: true, work: [] });
  t.same(await next(), { given: [], withdrawn: [item(2), item(3)] });
});

t.test(
  'after a message that was lost everything is asked for, and what comes before the answer does not count',
  async (t) => {
    const controller = await Controller.open(t);
    const { next } = open(t, controller.url);
    await controller.hello();
    await controller.says({ again: true, work: [] });
    await controller.says({ number: 1, work: [item(1)] });
    t.same(await next(), given(item(1)));
    await controller.says({ number: 3, work: [item(3)] });
    await controller.says({ number: 4, work: [item(4)] });
    await controller.hello();
    await controller.says({ again: true, work: [1, 2, 3, 4].map((event) => item(event)) });
    t.same(await next(), given(item(2), item(3), item(4)));
    await controller.says({ number: 1, work: [item(5)] });
    t.same(await next(), given(item(5)), 'the count begins anew');
  },
);

t.test('who hears nothing asks: the last message may be the one that was lost', async (t) => {
  const controller = await Controller.open(t);
  const { next } = open(t, controller.url);
  await controller.hello();
  await controller.says({ again: true, work: [] });
  await controller.hello();
  await controller.says({ again: true, work: [item(1)] });
  t.same(await next(), given(item(1)));
});

t.test('a controller that does not answer is named, once; between maps nobody answers', async (t) => {
  const [controller, idle] = [await Controller.open(t), await Controller.open(t)];
  const idly: string[] = [];
  open(t, idle.url, (message) => idly.push(message), false);
  const said: string[] = [];
  const { next } = open(t, controller.url, (message) => said.push(message));
  while (said.length === 0) await controller.hello();
  t.match(said, [/^nobody has answered at tcp:\/\/127\.0\.0\.1:\d+ for 1\d s/]);
  await controller.says({ again: true, work: [item(1)] });
  t.same(await next(), given(item(1)));
  t.equal(said.length, 1);
  // It has said hello as often.
  for (let hellos = 0; hellos < 5; hellos++) await idle.hello();
  t.same(idly, []);
});
