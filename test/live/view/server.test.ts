/** The web server of daq-view: who may ask, and what slow viewers do to others (nothing). */

import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Audience } from '../../../lib/live/view/audience.ts';
import { Board } from '../../../lib/live/view/board.ts';
import { admit, isLoopback } from '../../../lib/live/view/gate.ts';
import { parsePlot } from '../../../lib/live/view/request.ts';
import { serveView } from '../../../lib/live/view/server.ts';
import { executable } from '../../executable.ts';

executable('daq-view');

t.test('only GET, only by names that are ours, only for our own page', async (t) => {
  const asked = { method: 'GET', url: '/x?y=1', host: 'localhost:8080', fetchSite: undefined };
  const status = (change: Partial<Parameters<typeof admit>[0]>) => {
    const answer = admit({ ...asked, ...change }, ['node7']);
    return answer instanceof URL ? answer.pathname + answer.search : answer.status;
  };
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:5', '[::1]:80', '10.0.0.3', 'node7:9', 'Node7'])
    t.equal(status({ host }), '/x?y=1', host);
  for (const host of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'node7.evil',
    'a b',
    'x@localhost:1@evil',
  ])
    t.equal(status({ host }), 421, String(host));
  for (const method of ['POST', 'PUT', 'HEAD', 'OPTIONS', undefined]) t.equal(status({ method }), 405);
  for (const fetchSite of ['cross-site', 'same-site', '']) t.equal(status({ fetchSite }), 403);
  for (const fetchSite of ['same-origin', 'none']) t.equal(status({ fetchSite }), '/x?y=1');
  t.equal(status({ url: undefined }), '/');
  t.equal(status({ url: 'http://[' }), 400);
  t.same(['127.0.0.1', '127.9.9.9', '::1', 'localhost', '0.0.0.0', '::', 'node7'].map(isLoopback), [
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

interface Stand {
  origin: string;
  board: Board;
  audience: Audience;
  feed: { name: string; axis: 'time'; events: number; arrived: number; time: string; selected: readonly string[] };
}

async function stand(t: Test, plots = ['a:b:big']): Promise<Stand> {
  const board = new Board(10);
  const feed = {
    name: 'test',
    axis: 'time' as const,
    events: 0,
    arrived: 0,
    time: '',
    selected: [] as readonly string[],
    select(fields: readonly string[]) {
      this.selected = fields;
    },
  };
  const audience = new Audience({ board, feed, now: Date.now, plots: plots.map(parsePlot) });
  const server = await serveView('127.0.0.1', 0, audience);
  t.teardown(async () => {
    audience.close();
    await server.close();
    await server.close();
  });
  return { origin: server.origin, board, audience, feed };
}

function status(origin: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    request(new URL(path, origin), { method, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

t.test('what is served, and what is refused', async (t) => {
  const { origin } = await stand(t);
  const page = await fetch(origin);
  t.match(await page.text(), /<title>daq-view/);
  t.match(page.headers.get('content-security-policy'), /default-src 'none'; script-src 'self';/);
  t.notMatch(page.headers.get('content-security-policy'), /unsafe|eval/);
  t.equal(page.headers.get('x-content-type-options'), 'nosniff');
  for (const path of ['/page.js', '/page.css', '/licences.txt']) t.equal(await status(origin, path), 200);
  for (const path of ['/etc/passwd', '/..%2f..%2fpackage.json', '/page.js/', '/index.html'])
    t.equal(await status(origin, path), 404, path);
  t.equal(await status(origin, '/', {}, 'POST'), 405);
  t.equal(await status(origin, '/', { host: 'evil.example' }), 421);
  t.equal(await status(origin, '/events', { 'sec-fetch-site': 'cross-site' }), 403);
  t.equal(await status(origin, `/events?${Array.from({ length: 40 }, (_, i) => `plot=${i}`).join('&')}`), 400);
});

/** A viewer that reads what it is sent, when it wants. */
class RawViewer {
  text = '';
  /** Where what was waited for last stands: the text grows large. */
  private seen = 0;
  private readonly socket: Socket;

  constructor(t: Test, origin: string, query: string) {
    this.socket = connect(Number(new URL(origin).port), '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (part: string) => (this.text += part));
    this.socket.on('error', () => {});
    this.socket.write(`GET /events?${query} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    t.teardown(() => this.socket.destroy());
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  leave(): void {
    this.socket.destroy();
  }

  async shows(text: string): Promise<void> {
    for (let i = 0; i < 2000; i++) {
      if (this.text.includes(text, this.seen)) {
        this.seen = this.text.lastIndexOf(text);
        return;
      }
      await sleep(5);
    }
    throw new Error(`never ${text}`);
  }
}

const image = (value: number) => ({
  dtype: 'uint16',
  shape: [512, 512],
  data: new Uint16Array(512 * 512).fill(value),
});

t.test('a viewer that does not read misses frames, which are counted; another one misses none', async (t) => {
  const { origin, board, audience, feed } = await stand(t);
  const quick = new RawViewer(t, origin, 'plot=a:b:big&plot=a:b:small%3Dtext');
  const stuck = new RawViewer(t, origin, 'plot=a:b:big');
  await quick.shows('event: status');
  await stuck.shows('event: status');
  stuck.pause();
  t.same([...feed.selected].sort(), ['a:b:big', 'a:b:small']);
  const [first, second] = [...audience.viewers];
  for (let i = 1; i <= 60; i++) {
    board.add('a:b:big', image(i), i, i);
    board.add('a:b:small', `number ${i} `, i, i);
    audience.tick();
    await quick.shows(`number ${i} `);
  }
  t.equal([...quick.text.matchAll(/"key":"a:b:big"/g)].length, 60);
  const counts = second!.queue.counts;
  t.ok(counts.replaced > 10, `${counts.replaced} of ${counts.offered} replaced`);
  t.ok(second!.queue.waiting <= 2, 'of each plot one waits');
  t.equal(counts.offered, counts.sent + counts.replaced + second!.queue.waiting);
  t.equal(first!.queue.counts.replaced, 0);
  stuck.resume();
  await stuck.shows('"time":60,');
  t.notMatch(stuck.text, '"time":40,', 'what is old is not sent any more');
});

t.test('who leaves is counted, and fields that nobody sees any more are not read', async (t) => {
  const { origin, board, audience, feed } = await stand(t, ['a:b:c']);
  t.same(feed.selected, ['a:b:c'], 'the plots of the command line are fed from the start');
  const viewer = new RawViewer(t, origin, 'plot=x:y:z');
  await viewer.shows('event: status');
  t.same(feed.selected, ['a:b:c', 'x:y:z']);
  board.add('x:y:z', 1, 0, 0);
  audience.tick();
  await viewer.shows('"last":1');
  viewer.leave();
  for (let i = 0; i < 500 && audience.viewers.size > 0; i++) await sleep(5);
  t.same(feed.selected, ['a:b:c']);
  const { offered, sent, replaced, left, waiting } = audience.counts();
  t.equal(waiting, 0);
  t.ok(offered >= 4);
  t.equal(offered, sent + replaced + left);
});

t.test('who asks for nothing is shown what is sensible, and later what is sensible then', async (t) => {
  const { origin, audience, feed } = await stand(t, []);
  const viewer = new RawViewer(t, origin, '');
  await viewer.shows('"usual":[]');
  const offered = (name: string) => ({ name, type: 'FLOAT', kinds: ['trend'] as const, sensible: true });
  audience.offered([offered('a:b:c')]);
  await viewer.shows('"usual":["a:b:c"]');
  t.same(feed.selected, ['a:b:c']);
  // Names that look like something else, and as nothing at all.
  audience.offered([offered('x=pie'), offered(''), offered('=trend')]);
  await viewer.shows('"usual":["x=pie","","=trend"]');
  audience.offered([offered('d:e:f')]);
  await viewer.shows('"usual":["d:e:f"]');
  t.same(feed.selected, ['d:e:f']);
  audience.ended('it broke');
  await viewer.shows('"state":"ended","words":"it broke"');
});
