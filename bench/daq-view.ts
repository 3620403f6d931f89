/**
 * What daq-view costs per dgram: the feed with two scalars and a waveform against a plain walk over the same dgrams; then the same feed
 * with 1 and 8 viewers, in a process of their own, against none. Run: npm run bench daq-view
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Audience } from '../lib/live/view/audience.ts';
import { Board } from '../lib/live/view/board.ts';
import { DgramFeed } from '../lib/live/view/dgram-feed.ts';
import { parsePlot } from '../lib/live/view/request.ts';
import { serveView } from '../lib/live/view/server.ts';
import { DgramReader } from '../lib/stream/dgram-reader.ts';
import type { ByteSource } from '../lib/stream/source.ts';
import { Walker } from '../lib/xtc/walk.ts';
import { eventDgram, transitionDgram } from '../test/stream/sample-run.ts';
import { compare } from './harness.ts';

const EVENTS = 20_000;
const ROUNDS = 150;
const HERTZ = 5;
const PLOTS = ['hsd_0:raw:energy', 'hsd_0:raw:energy=histogram', 'gmd_3:fex:count', 'hsd_0:raw:trace'];
const begin = transitionDgram(2, 0);
const events = Buffer.concat(Array.from({ length: EVENTS }, (_, i) => eventDgram(i, 100)));

/** A Configure and the same events again and again, out of memory: the source shall cost nothing. */
function source(): ByteSource {
  let at = -begin.length;
  return {
    name: 'memory',
    size: undefined,
    read: (into) => {
      if (at < 0) {
        at = 0;
        return begin.copy(into);
      }
      const start = at % events.length;
      const bytes = at >= ROUNDS * events.length ? 0 : events.copy(into, 0, start);
      at += bytes;
      return bytes;
    },
    skip: () => 0,
    close: () => {},
  };
}

async function walked(): Promise<void> {
  let blocks = 0;
  const visitor = { data: () => void blocks++ };
  const reader = new DgramReader(source());
  const walker = new Walker();
  do {
    while (reader.next()) walker.walk(reader.dgram, visitor);
  } while (await reader.fill());
  if (blocks !== EVENTS * ROUNDS * 1.5) throw new Error(`${blocks} blocks`);
}

async function viewed(viewers: number): Promise<void> {
  const board = new Board(120);
  let audience: Audience | undefined;
  const options = { board, epoch: 'epics' as const, period: 1000 / HERTZ, now: Date.now };
  const feed = new DgramFeed(source(), { ...options, onOffer: (fields) => audience?.offered(fields) });
  audience = new Audience({ board, feed, now: Date.now, plots: PLOTS.map(parsePlot) });
  const server = await serveView('127.0.0.1', 0, audience);
  const watchers = viewers === 0 ? undefined : await watch(server.origin, viewers, audience);
  const ticks = setInterval(() => audience.tick(), 1000 / HERTZ);
  await feed.run();
  clearInterval(ticks);
  const { offered, sent, replaced, left, waiting } = audience.counts();
  if (feed.events !== EVENTS * ROUNDS) throw new Error(`${feed.events} events`);
  if (offered !== sent + replaced + left + waiting) throw new Error('the frames do not add up');
  if (viewers > 0 && sent < viewers * PLOTS.length) throw new Error('the viewers have seen nothing');
  watchers?.kill();
  audience.close();
  await server.close();
}

/** Viewers that read all they are sent. */
async function watch(origin: string, viewers: number, audience: Audience) {
  const script = `for (let i = 0; i < ${viewers}; i++) require('node:http').get('${origin}/events', { agent: false }, (r) => r.resume());`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  await once(child, 'spawn');
  while (audience.viewers.size < viewers) await new Promise((resolve) => setTimeout(resolve, 5));
  return child;
}

const work = { amount: EVENTS * ROUNDS, unit: 'dgrams' };
await compare({
  name: 'daq-view feed',
  reference: { name: 'plain walk', run: walked },
  candidate: { name: 'four plots, no viewer', run: () => viewed(0) },
  goal: 2.5,
  rounds: 3,
  work,
});
for (const viewers of [1, 8]) {
  await compare({
    name: `daq-view, ${viewers} viewers`,
    reference: { name: 'no viewer', run: () => viewed(0) },
    candidate: { name: `${viewers} viewers`, run: () => viewed(viewers) },
    goal: 1.15,
    rounds: 3,
    work,
  });
}
