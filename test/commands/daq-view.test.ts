/** `daq-view`, the real executable, in a real browser. */

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SERVICE } from '../../lib/xtc/service.ts';
import { Browser, needsBrowser, type Page } from '../browser.ts';
import { executable, PROJECT, run } from '../executable.ts';
import { fileOf, liveRun, newTag, type Process, scratch, serve, start } from '../live/server-process.ts';
import { eventDgram, sampleRun, transitionDgram } from '../stream/sample-run.ts';

/** daq-view with a pipe as its input, and where its page is. */
async function view(t: Test, ...args: string[]): Promise<{ process: Process; origin: string }> {
  const child = start(t, executable('daq-view'), args);
  const said = /look at (http:\/\/\S+)\//;
  await child.says(said);
  return { process: child, origin: said.exec(child.words())![1]! };
}

const state = 'document.body.dataset.state';
const drawn = (key: string, frames = 1) =>
  `Number(document.querySelector('figure[data-key="${key}"]')?.dataset.frames ?? 0) >= ${frames}`;
/** How many pixels of a plot differ from its first one. */
const ink = (key: string) => `(() => {
  const canvas = document.querySelector('figure[data-key="${key}"] .plot canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new Uint32Array(data.buffer);
  return pixels.filter((pixel) => pixel !== pixels[0]).length;
})()`;

async function hasInk(page: Page, key: string): Promise<void> {
  await page.until(`${drawn(key)} && ${ink(key)} > 50`);
}

/** Writes events until told to stop. */
function feedEvents(t: Test, process: Process): () => void {
  process.write(transitionDgram(SERVICE.Configure, 0));
  let i = 0;
  const timer = setInterval(() => process.write(eventDgram(i++, 100)), 10);
  t.teardown(() => clearInterval(timer));
  return () => clearInterval(timer);
}

t.test('plots are drawn, fields can be changed, and the page says when data stops', needsBrowser, async (t) => {
  const { process: child, origin } = await view(t, '-', '--rate', '20');
  const stop = feedEvents(t, child);
  const browser = new Browser(t);
  const page = await browser.open(`${origin}/`);
  await page.until(`${state} === 'live'`);
  for (const key of ['hsd_0:raw:energy', 'gmd_3:fex:count', 'hsd_0:raw:trace']) await hasInk(page, key);
  t.equal(await page.value("document.querySelector('[data-kind=waveform] output').textContent"), '100 elements');
  t.match(await page.value("document.getElementById('age').textContent"), /^data \d\.\d s old$/);
  t.match(await page.value("document.getElementById('time').textContent"), /^20\d\d-/);

  // Another kind of the same field, by the form.
  await page.value(`(() => {
    const set = (id, value) => {
      const select = document.getElementById(id);
      select.value = value;
      select.dispatchEvent(new Event('change'));
    };
    set('field', 'hsd_0:raw:energy');
    set('kind', 'histogram');
    document.getElementById('add').requestSubmit();
  })()`);
  await hasInk(page, 'hsd_0:raw:energy=histogram');
  t.match(await page.value('location.search'), 'hsd_0%3Araw%3Aenergy%3Dhistogram', 'the address keeps the choice');
  await page.value(`document.querySelector('figure[data-key="gmd_3:fex:count"] button').click()`);
  await page.until(`document.querySelectorAll('figure').length === 3`);

  // The source stops, and then ends.
  stop();
  await page.until(`${state} === 'stale'`);
  t.equal(await page.value("document.querySelector('figure').dataset.stale"), 'true');
  child.endInput();
  await page.until(`${state} === 'ended'`);
  t.ok(await page.value<number>(ink('hsd_0:raw:energy')), 'the last pictures stay');
  child.kill('SIGTERM');
  const { status, words } = await child.done;
  t.equal(status, 0, words);
  t.match(words, /OK in \d+ = out \d+; events \d+, frames offered \d+, frames sent \d+/);
  await page.until(`${state} === 'lost'`);

  t.same(
    browser.complaints.filter((text) => !text.includes('net::ERR_')),
    [],
    'no fault of a script, nothing stopped by the policy',
  );
  t.same(
    browser.requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:')),
    [],
  );
});

t.test('images from shared memory have colours; the server may come again', needsBrowser, async (t) => {
  const tag = newTag();
  const file = join(scratch(t), 'images.xtc2');
  const generated = await run('dgram-gen', [join(PROJECT, 'examples/runs/area-camera.yaml'), '-n', '30', '-o', file]);
  t.equal(generated.status, 0, generated.stderr);
  const server = await serve(t, tag, [file, '--loop', '0', '-r', '60']);
  const { origin } = await view(t, `shm:${tag}?reconnect`, 'epix_0:raw:image');
  const browser = new Browser(t);
  const page = await browser.open(`${origin}/`);
  await hasInk(page, 'epix_0:raw:image');
  const colours = `(() => {
    const canvas = document.querySelector('canvas.image');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`;
  t.ok((await page.value<number>(colours)) > 20);
  const grey = `(() => {
    const canvas = document.querySelector('canvas.image');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.every((value, i) => i % 4 === 3 || value === data[i - (i % 4)]);
  })()`;
  t.equal(await page.value(grey), false);
  await page.value(`(() => {
    const select = document.getElementById('colours');
    select.value = 'grey';
    select.dispatchEvent(new Event('change'));
  })()`);
  t.equal(await page.value(grey), true, 'other colours at once');
  server.kill('SIGKILL');
  await server.done;
  await page.until(`${state} === 'stale'`);
  await serve(t, tag, [file, '--loop', '0', '-r', '60']);
  await page.until(`${state} === 'live'`);
});

t.test('records of a graph', needsBrowser, async (t) => {
  const { process: child, origin } = await view(t, '--records', '-');
  const browser = new Browser(t);
  const page = await browser.open(`${origin}/`);
  await page.until(`${state} === 'waiting'`);
  for (let heartbeat = 0; heartbeat < 20; heartbeat++) {
    const data = [heartbeat, 1, 2, 3];
    const outputs = { 'avg.mean': Math.sin(heartbeat), map: { $array: 'float64', shape: [2, 2], data } };
    child.write(Buffer.from(`${JSON.stringify({ heartbeat, dealt: 1, outputs })}\n`));
  }
  await hasInk(page, 'avg.mean');
  await page.until(drawn('map'));
  t.equal(await page.value("document.getElementById('time').textContent"), 'heartbeat 19');
  child.write(Buffer.from('rubbish\n'));
  child.endInput();
  await page.until(`${state} === 'ended' && document.body.innerText.includes('1 of 21 lines are no records')`);
  child.kill('SIGINT');
  t.equal((await child.done).status, 3);
});

t.test('what is offered is said; --once ends with the input; damage is loss', async (t) => {
  const file = fileOf(t, sampleRun(5));
  const { status, stderr } = await run('daq-view', [file, '--once']);
  t.equal(status, 0, stderr);
  t.match(stderr, /the input offers 3 fields:\n.*\* hsd_0:raw:energy DOUBLE\n.*\* hsd_0:raw:trace UINT16\[1\]\n/);
  t.match(stderr, /<I> daq-view: OK in 8 = out 8; events 5\n$/);
  const cut = fileOf(t, [...sampleRun(5), Buffer.alloc(10)]);
  const damaged = await run('daq-view', [cut, 'hsd:raw:energy', '--once']);
  t.equal(damaged.status, 3);
  t.match(damaged.stderr, /zero-fill at \d+: 10 zero bytes/);
  t.notMatch(damaged.stderr, /offers/);
});

t.test('the records of a real graph are all understood', async (t) => {
  const graph = join(PROJECT, 'examples/graph/energy.yaml');
  const line = `${executable('dgram-gen')} -n 200 | ${executable('graph-run')} ${graph} - --heartbeat 20ev -f jsonl | ${executable('daq-view')} --records - --once`;
  const { done } = start(t, 'bash', ['-o', 'pipefail', '-c', line]);
  const { words } = await done;
  t.match(words, /\* spectrum\.counts array\[1\]/);
  t.match(words, /daq-view: OK in (\d\d) = out \1; events \1/);
});

t.test('a shared-memory source that is there only for a while', async (t) => {
  const tag = newTag();
  const server = await serve(t, tag, [fileOf(t, liveRun(50)), '-r', '500', '--wait', '1']);
  const child = start(t, executable('daq-view'), [`shm:${tag}`, 'hsd:raw:energy', '--once']);
  const { status, words } = await child.done;
  await server.done;
  t.equal(status, 0, words);
  t.match(words, /OK in \d+ = out \d+; events [1-9]/);
});

t.test('a host other than the loopback is warned of', async (t) => {
  const { process: child } = await view(t, '-', '--bind', '0.0.0.0:0');
  t.match(child.words(), /warning: whoever reaches http:\/\/0\.0\.0\.0:\d+ sees the data/);
});

t.test('mistakes on the command line', async (t) => {
  const file = fileOf(t, sampleRun(1));
  for (const [args, message] of [
    [[file, 'a:b:c=pie'], /can be shown as trend, histogram, waveform, image, text/],
    [[file, '--bind', 'x'], /--bind: "x" is not \[HOST:\]PORT/],
    [['nowhere.xtc2'], /nowhere\.xtc2: no such file/],
    [['nowhere:x'], /no kind of stream/],
    [[file, '--rate', '0'], /greater than or equal to 1/],
  ] as const) {
    const { status, stderr } = await run('daq-view', args);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, message);
  }
});
