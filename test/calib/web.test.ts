/** The web source against servers that fail in every way (spec calib-pub.md, sections 7, 10 and 12.2). */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { FetchCounters } from '../../lib/calib/fetch-counters.ts';
import type { DetectorKey } from '../../lib/calib/source/types.ts';
import { type WebOptions, WebSource } from '../../lib/calib/source/web.ts';
import { usualFolder } from './numpy-file.ts';
import { service, standIn } from './stand-in.ts';

const KEY: DetectorKey = { name: 'epix', type: 'epix', id: 'epix_1' };
const EXPERIMENT = { of: 'experiment', exp: 'x' } as const;

interface Made {
  source: WebSource;
  counters: FetchCounters;
  notes: string[];
  pauses: number[];
}

function web(t: Test, url: string, options: Partial<WebOptions> = {}): Made {
  const counters = new FetchCounters();
  const notes: string[] = [];
  const pauses: number[] = [];
  const pause = async (milliseconds: number) => void pauses.push(milliseconds);
  const source = new WebSource({ url, counters, note: (message) => notes.push(message), pause, ...options });
  t.teardown(() => source.close());
  return { source, counters, notes, pauses };
}

const list = ({ source }: Made) => source.documents(EXPERIMENT, KEY, 7);
const contents = ({ source }: Made) => source.contents(EXPERIMENT, KEY, 'abc');
const failure = (message: RegExp) => ({ code: 'calib-source', message });

t.test(
  'a service that is overloaded is asked again, twice, with growing pauses; each time is counted and said',
  async (t) => {
    const { url } = await standIn(t, usualFolder(t), { fail: { status: 503, count: 2 } });
    const made = web(t, url);
    t.equal((await list(made)).length, 3);
    t.same(made.counters.answers, { 503: 2, 200: 1 });
    t.same([made.counters.requests.list, made.counters.retries], [3, 2]);
    t.same(made.pauses, [250, 1000]);
    t.match(made.notes, [/cdb_x\/epix_1: status 503; asking again \(1 of 2\)/, /\(2 of 2\)/]);
    const always = web(t, (await standIn(t, usualFolder(t), { fail: { status: 503, count: 99 } })).url);
    await t.rejects(list(always), failure(/status 503, the service is overloaded: "failed on purpose/));
    t.equal(always.counters.retries, 2);
  },
);

t.test('nothing there: no documents, but an error for contents that a document names', async (t) => {
  const made = web(t, await service(t, (_, response) => response.writeHead(404).end('no')));
  t.same(await list(made), []);
  await t.rejects(contents(made), failure(/status 404, it is not there: "no"/));
  t.equal(made.counters.retries, 0, 'asking again would not help');
  const empty = web(t, await service(t, (_, response) => response.end('[]')));
  t.same(await list(empty), []);
});

t.test('without an experiment no experiment is asked for', async (t) => {
  const made = web(t, 'http://127.0.0.1:9/none');
  t.same(await made.source.documents({ of: 'experiment', exp: undefined }, KEY, 7), []);
  t.equal(made.counters.requests.list, 0);
});

t.test('what is no list of documents is shown, 200 bytes of it', async (t) => {
  const page = `<html>${'proxy '.repeat(100)}</html>`;
  const shown = web(t, await service(t, (_, response) => response.end(page)));
  const error = await list(shown).catch((thrown: Error) => thrown);
  t.match(error, failure(/the answer is no JSON.*it begins "<html>proxy proxy/));
  t.ok((error as Error).message.length < 400);
  for (const body of ['{"error": "x"}', '[1, 2]', '"text"', '7']) {
    const made = web(t, await service(t, (_, response) => response.end(body)));
    await t.rejects(list(made), failure(/no list of documents; it begins/), body);
  }
});

t.test('half a download is an error, after it was tried again', async (t) => {
  const made = web(
    t,
    await service(t, (_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write(Buffer.alloc(400), () => response.destroy());
    }),
  );
  await t.rejects(contents(made), failure(/the answer ends after 400 of 1000 bytes \(asked 3 times\)/));
  t.same(made.counters.answers, { none: 3 });
  const chunked = web(
    t,
    await service(t, (_, response) => {
      response.write(Buffer.alloc(400), () => response.destroy());
    }),
    { retries: 0 },
  );
  await t.rejects(contents(chunked), failure(/the connection was cut|aborted/));
});

t.test('bodies are limited, whether their length is announced or not', async (t) => {
  const announced = web(t, await service(t, (_, response) => response.end(Buffer.alloc(2000))), { maxConstant: 1999 });
  await t.rejects(contents(announced), failure(/larger than 1999 bytes/));
  const endless = web(
    t,
    await service(t, (_, response) => {
      const more = () => response.write(Buffer.alloc(65_536), more);
      more();
    }),
    { maxConstant: 1_000_000 },
  );
  await t.rejects(contents(endless), failure(/larger than 1000000 bytes/));
  const exact = web(t, await service(t, (_, response) => response.end(Buffer.alloc(1999))), { maxConstant: 1999 });
  t.equal((await contents(exact)).length, 1999);
  const huge = web(
    t,
    await service(t, (_, response) => {
      const more = () => response.write('  '.repeat(32_768), more);
      more();
    }),
  );
  await t.rejects(list(huge), failure(/larger than 16777216 bytes/), 'lists');
  t.equal(huge.counters.retries, 0);
});

t.test('bodies without announced length arrive whole', async (t) => {
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  const made = web(
    t,
    await service(t, (_, response) => {
      response.write(body.subarray(0, 100_001));
      response.end(body.subarray(100_001));
    }),
  );
  t.ok((await contents(made)).equals(body));
});

t.test('a redirect is followed on the same server only', async (t) => {
  const elsewhere: string[] = [];
  const other = await service(t, (request, response) => {
    elsewhere.push(request.url ?? '');
    response.end('[]');
  });
  const away = web(t, await service(t, (_, response) => response.writeHead(302, { location: other }).end()));
  await t.rejects(list(away), failure(/redirects to another server, http:\/\/127/));
  t.same(elsewhere, [], 'it was not even asked');
  const home = web(
    t,
    await service(t, (request, response) => {
      if (request.url === '/calib_ws/there') response.end('[]');
      else response.writeHead(301, { location: '/calib_ws/there' }).end();
    }),
  );
  t.same(await list(home), []);
  const round = web(
    t,
    await service(t, (request, response) => response.writeHead(302, { location: request.url }).end()),
  );
  await t.rejects(list(round), failure(/redirects more than 3 times/));
  const broken = web(t, await service(t, (_, response) => response.writeHead(302, { location: 'http://[' }).end()));
  await t.rejects(list(broken), failure(/redirects to another server/));
});

t.test('silence ends after the time-out: before the answer, and within it', async (t) => {
  const silent = web(t, await service(t, () => {}), { timeout: 50, retries: 1 });
  await t.rejects(list(silent), failure(/nothing came for 0.05 s \(asked 2 times\)/));
  const stalled = web(
    t,
    await service(t, (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('x');
    }),
    { timeout: 50, retries: 0 },
  );
  await t.rejects(contents(stalled), failure(/nothing came for 0.05 s/));
});

t.test('a body that trickles in for ever is given up', async (t) => {
  const made = web(
    t,
    await service(t, (_, response) => {
      const timer = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(timer));
    }),
    { timeout: 200, retries: 0 },
  );
  await t.rejects(contents(made), failure(/comes too slowly|nothing came/));
});

t.test('nobody there, no such host, and a server that speaks something else', async (t) => {
  const gone = createServer();
  gone.listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const nobody = web(t, `http://127.0.0.1:${port}/x`);
  await t.rejects(list(nobody), {
    ...failure(/nobody listens there \(asked 3 times\)/),
    place: { file: /cdb_x\/epix_1$/ },
  });
  const odd = createServer((socket) => socket.end('220 mail ready\r\n'));
  odd.listen(0, '127.0.0.1');
  await once(odd, 'listening');
  t.teardown(() => void odd.close());
  await t.rejects(
    list(web(t, `http://127.0.0.1:${(odd.address() as AddressInfo).port}/x`, { retries: 0 })),
    failure(/Parse Error/),
  );
});

t.test('at most four connections, however many are asked at the same time', async (t) => {
  const sockets = new Set<unknown>();
  let open = 0;
  let most = 0;
  const url = await service(t, (request, response) => {
    sockets.add(request.socket);
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.end('x');
    }, 5);
  });
  const made = web(t, url);
  await Promise.all(Array.from({ length: 40 }, (_, i) => made.source.contents(EXPERIMENT, KEY, `id${i}`)));
  t.equal(sockets.size, 4);
  t.ok(most <= 4);
  t.equal(made.counters.requests.contents, 40);
});

t.test('closing gives up what is under way', async (t) => {
  let came = () => {};
  const asked = new Promise<void>((resolve) => {
    came = resolve;
  });
  const url = await service(t, () => came());
  const { source } = web(t, url);
  const waiting = source.documents(EXPERIMENT, KEY, 7);
  await asked;
  source.close();
  source.close();
  await t.rejects(waiting, failure(/given up/));
});

t.test('nothing that a document says leads out of its place in the address', async (t) => {
  const paths: string[] = [];
  const made = web(
    t,
    await service(t, (request, response) => {
      paths.push(request.url ?? '');
      response.end('x');
    }),
  );
  await made.source.contents(EXPERIMENT, KEY, '../../admin?x=1#y');
  t.same(paths, ['/calib_ws/cdb_x/gridfs/..%2F..%2Fadmin%3Fx%3D1%23y']);
  for (const id of ['', '.', '..'])
    await t.rejects(made.source.contents(EXPERIMENT, KEY, id), failure(/part of an address/));
});

t.test('long ids: by name, else by serial numbers that all belong to one detector', async (t) => {
  const names = [
    { long: 'epix_1111111111_2222222222', short: 'epix_000001' },
    { long: 'epix_1111111111_2222222222_3333333333', short: 'epix_000002' },
  ];
  const url = await service(t, (request, response) => {
    const asked = new URL(request.url!, 'http://x').searchParams.get('query_string');
    const { long } = JSON.parse(asked!) as { long?: string };
    response.end(JSON.stringify(names.filter((name) => long === undefined || name.long === long)));
  });
  const { source } = web(t, url);
  t.equal(await source.shortId('epix', 'epix_1111111111_2222222222_3333333333'), 'epix_000002');
  t.equal(await source.shortId('epix', 'epix_2222222222_1111111111'), 'epix_000001');
  t.equal(await source.shortId('epix', 'epix_3333333333_1111111111'), 'epix_000002');
  t.equal(await source.shortId('epix', 'epix_1111111111_4444444444'), undefined);
  t.equal(await source.shortId('epix', 'epix_111111111_2222222222'), undefined, 'a part of a serial number is none');
});
