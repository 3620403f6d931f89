import t from 'tap';
import { until } from '../../until.ts';
import { batches, Ensemble } from './ensemble.ts';

/** The HTTP of the controller (spec mapreduce.md 2, 9, 11, 14). */

const cell = [{ constraint: 0 }];
const map = (parts: object, sequence = Object.keys(parts)) => ({ parts, sequence });

t.test('maps are refused with a code', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 1, flags: ['--max-map', '2000', '--max-events', '50'] });
  const refused = async (body: object | string) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await ensemble.request('sequence', { method: 'POST', body: text });
    const { detail } = (await response.json()) as { detail: { code: string } };
    return `${response.status} ${detail.code}`;
  };
  t.equal(await refused('{'), '422 json');
  t.equal(await refused('{"parts":{},"parts":{},"sequence":[]}'), '422 json');
  t.equal(await refused(map({ main: { det: [5] } })), '422 cell');
  t.equal(await refused(map({ reserved_start_end: { det: [cell] } })), '422 reserved');
  t.equal(await refused(map({ main: { det: [cell], mot: [] } })), '422 length');
  t.equal(await refused(map({ main: { det: [cell] } }, ['other'])), '422 part');
  t.equal(await refused(map({ main: { nobody: [cell] } })), '400 streams');
  t.equal(await refused(map({ main: { det: [[{ constraint: 0 }, { constraint: 1 }]] } })), '400 workers');
  t.equal(await refused(map({ main: { det: [[{ constraint: 0, tags: ['gpu'] }]] } })), '400 tags');
  t.equal(await refused(`${JSON.stringify(map({}))}${' '.repeat(2000)}`), '413 too-large');
  t.equal(await refused(map({ a: { det: Array(30).fill(null) } }, ['a', 'a'])), '413 events');
});

t.test('every endpoint answers', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2, ours: true, streams: ['det', '3'] });
  t.match(await ensemble.progress(), { finished: true, total_events: 0 });
  t.match(await ensemble.get('sequence'), { parts: {}, sequence: [] });
  // As text: an object would put the stream "3" first.
  const cells = JSON.stringify(Array.from({ length: 20 }, (_, i) => [{ constraint: i >> 1 }]));
  const body = `{"parts":{"main":{"det":${cells},"3":${cells}}},"sequence":["main"]}`;
  const uuid = (await (await ensemble.request('sequence', { method: 'POST', body })).json()) as string;
  t.match(await ensemble.finished(), { completed_events: 22, open: false, damaged: 0, waiting: Array });
  t.match(await ensemble.get('config'), {
    ingesters: [{ name: '3-ingester', streams: ['3'], mapping_uuid: uuid }, { name: 'det-ingester' }],
    workers: [{ name: 'w1', tags: ['generic'] }, { name: 'w2' }],
    reducer: { name: 'reducer' },
    parameters_hash: /^[0-9a-f]{64}$/,
    parameters_version: { dump_prefix: /-/ },
  });
  const status = await ensemble.get<{ completed_events: number[]; assignment: object[] }>('status?all=true');
  t.equal(status.completed_events.length, 22);
  t.match(status, { finished: true, last_assigned: 22 });
  t.match(await ensemble.get('load?intervals=1&intervals=10&scan=true'), {
    w1: { last_event: Number, intervals: { 1: { total: Number, active: Number, events: Number }, 10: {}, scan: {} } },
  });
  const sequence = await (await ensemble.request('sequence')).text();
  t.match(sequence, /"parts":\{"main":\{"mapping":\{"det":.*"3":/s, 'streams stay in the order of the text');
  t.same((JSON.parse(sequence) as { sequence: string[] }).sequence, [
    'reserved_start_end',
    'main',
    'reserved_start_end',
  ]);
  t.match(await ensemble.get('events/5'), { event_number: 5, state: 'complete', part: 'main' });
  t.equal((await ensemble.request('events/22')).status, 404);
  t.equal((await ensemble.request('nothing')).status, 404);
  t.equal((await ensemble.request('sequence', { method: 'DELETE' })).status, 405);
  const redirect = await ensemble.request('sequence/?all_wrap=false', {
    method: 'POST',
    body: '{}',
    redirect: 'manual',
  });
  t.equal(redirect.status, 307);
  t.equal(redirect.headers.get('location'), '/api/v1/sequence?all_wrap=false');
  t.match(await (await ensemble.request('/metrics')).text(), /daqpipe_in_total\{command="map-control"\} 22/);
  t.match(await (await ensemble.request('/')).text(), /<title>map-control/);
  t.equal((await ensemble.request('/')).headers.get('access-control-allow-origin'), null);
});

t.test('old endpoints: one part called main, and a scan of so many points', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2 });
  const post = (path: string, body: object) => ensemble.request(path, { method: 'POST', body: JSON.stringify(body) });
  t.equal((await post('mapping?all_wrap=false', { det: [cell, cell] })).status, 200);
  t.match(await ensemble.finished(), { completed_events: 2 });
  t.equal((await post('sardana_hook', { streams: ['det', 'unknown'], scan: { nb_points: 4 } })).status, 200);
  t.match(await ensemble.finished(), { completed_events: 6 });
});

t.test('parameters: typed, hashed, told to everybody', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 1 });
  const { redis, keys } = await ensemble.redis.registry();
  t.teardown(() => redis.disconnect());
  const description = { name: 'gain', description: null, dtype: 'int', default: 3 };
  await redis.setex(keys.parameterDescription('gain'), 60, JSON.stringify(description));
  await until('the default is set', async () => (await ensemble.request('parameter/gain')).status === 200);
  t.equal(await (await ensemble.request('parameter/gain')).text(), '3');
  const set = (body: string) => ensemble.request('parameter/gain', { method: 'POST', body });
  t.equal((await set('many')).status, 422);
  const answer = await set('17');
  t.equal(answer.status, 200);
  const hash = (await answer.json()) as string;
  t.match(hash, /^[0-9a-f]{64}$/);
  const response = await ensemble.request('parameter/gain');
  t.equal(response.headers.get('content-type'), 'application/x.bytes');
  t.equal(await response.text(), '17');
  t.match(await ensemble.get('parameters'), [{ name: 'dump_prefix' }, description]);
  t.equal((await ensemble.request('parameter/unknown')).status, 404);
  t.equal((await ensemble.request('parameter/a:b', { method: 'POST', body: 'x' })).status, 422);
  t.equal((await ensemble.request('parameter/dump_prefix', { method: 'POST', body: '../x' })).status, 422);
  await until('everybody has it', async () => {
    const { workers } = await ensemble.get<{ workers: { parameters_hash: string }[] }>('config');
    return workers.every(({ parameters_hash }) => parameters_hash === hash);
  });
  await until(
    'the old value is deleted',
    async () => (await redis.keys(`${keys.prefix}:parameters:gain:*`)).length === 1,
  );
});

t.test('an open map grows, the same append counts once, and it ends when it is closed', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2, ours: true });
  const post = (path: string, body: object = {}) =>
    ensemble.request(path, { method: 'POST', body: JSON.stringify(body) });
  const code = async (response: Response) => ((await response.json()) as { detail: { code: string } }).detail.code;
  t.equal(await code(await post('sequence/append', { parts: {}, sequence: [] })), 'finished');
  await ensemble.post(batches(10, 1, ['det'], { open: true }));
  await ensemble.complete(11);
  t.match(await ensemble.progress(), { open: true, finished: false, total_events: 11 });
  const more = { id: 'first', parts: { more: { det: [cell, cell] } }, sequence: ['more', 'main'] };
  for (let i = 0; i < 2; i++) t.equal((await post('sequence/append', more)).status, 200);
  await ensemble.complete(23);
  t.equal(
    await code(await post('sequence/append', { parts: { more: { det: [cell] } }, sequence: [] })),
    'part-differs',
  );
  t.equal(await code(await post('sequence/append', { parts: { x: { mot: [cell] } }, sequence: ['x'] })), 'streams');
  t.equal(await code(await post('sequence/append', { parts: {}, sequence: ['nothing'] })), 'part');
  t.equal((await post('sequence/close')).status, 200);
  t.match(await ensemble.finished(), { completed_events: 24, total_events: 24, open: false });
  t.equal(await code(await post('sequence/close')), 'finished');
});

t.test('a scan is stopped, or replaced by another; finish hooks run', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2, ours: true, delayMs: 5 });
  await ensemble.post(batches(1000, 1));
  await ensemble.complete(5);
  await ensemble.post(batches(1000, 1));
  t.match(ensemble.control.stderr, /is replaced: \d+ events were not complete: (\d+(-\d+)?, )*\d+-1001/);
  await ensemble.complete(5);
  await ensemble.request('stop', { method: 'POST' });
  t.match(await ensemble.finished(), { reason: 'stopped' });
  t.equal(await ensemble.control.end(), 3);
  t.match(ensemble.control.stderr, /LOSS in 2004 = out \d+ \+ unfinished \d+/, 'over both maps');
});

t.test('who does not take up a map is named', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2, flags: ['--ready-wait', '1'] });
  const { redis, keys } = await ensemble.redis.registry();
  t.teardown(() => redis.disconnect());
  const deaf = JSON.parse((await redis.get(keys.config('worker', 'w1'))) as string) as object;
  await ensemble.workers[0]!.kill();
  await redis.setex(keys.config('worker', 'w1'), 30, JSON.stringify(deaf));
  const response = await ensemble.request('sequence', { method: 'POST', body: JSON.stringify(batches(3, 1)) });
  t.equal(response.status, 500);
  t.match(await response.json(), { detail: { code: 'timeout', missing: ['w1'] } });
});
