import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { chainLines, chainVerdict } from '../../lib/supervise/chain.ts';
import { JobLog } from '../../lib/supervise/local/log.ts';
import { LogDigest } from '../../lib/supervise/log-digest.ts';
import { newestLogs } from '../../lib/supervise/log-files.ts';
import type { EntryView } from '../../lib/supervise/view.ts';

function viewOf(programs: readonly string[], ...lines: readonly string[]): EntryView {
  const digest = new LogDigest();
  for (const line of lines) digest.take(line);
  const { balances, stages, lastLine, status } = digest;
  return {
    ...{ id: 'cam', state: 'done', programs, pids: [], restarts: 0, seconds: 0, log: undefined, unwritten: 0 },
    ...{ balances, stages, lastLine, status },
  };
}

const GEN = '[1] <I> gen: OK 490 events, 500 dgrams, 217 kB in 1 stream; in 490 = out 490';
const DRP = '[2] <W> drp: LOSS in 500 = out 490 + dropped 7 + too-late 3; retried 1; 300/s';

t.test('a chain adds up when every stage does, and everything that is given is received', async (t) => {
  const three = ['dgram-gen', 'drp-python', 'cat'];
  const good = viewOf(three.slice(0, 2), GEN, DRP, '# daq-run: stage 1 (dgram-gen) ended with 0', 'srun: error: x');
  t.match(chainVerdict(good), { adds: true });
  t.same(good.balances[1], {
    ...{ stage: 2, in: 500, out: 490, dgrams: undefined },
    ...{ losses: { dropped: 7, 'too-late': 3 }, info: { retried: 1 } },
  });
  t.match(chainLines([good]).join('\n'), /cam +2 +drp-python +500 +490 +dropped 7, too-late 3\ncam: it adds up/);
  t.match(good.lastLine, /^<W> drp/);
  t.match(chainVerdict(viewOf(three, GEN, DRP)), { adds: undefined, why: /stage 3 \(cat\) told no balance/ });
  const open = viewOf(three.slice(0, 1), '<W> gen: in 10 = out 8; NOT BALANCED: 2 unaccounted for');
  t.match(chainVerdict(open), { adds: false, why: /2 unaccounted for in stage 1/ });
  const gap = viewOf(three.slice(0, 2), GEN, '[2] x: in 498 = out 498');
  t.match(chainVerdict(gap), { adds: false, why: 'stage 1 (dgram-gen) gave 500, stage 2 (drp-python) received 498' });
  const other = viewOf(['a', 'b'], '[1] a: in 5 = out 5', '[2] b: in 4 = out 4');
  t.match(chainVerdict(other), { adds: undefined, why: /may not count the same/ });
  t.match(chainVerdict({ ...other, programs: ['drp-python', 'drp-python'] }), { adds: false });
  t.match(chainVerdict({ ...other, programs: ['drp-python', 'graph-run'] }), { adds: undefined });
  t.equal(chainVerdict(viewOf(three, 'words')), undefined);
  t.same(chainLines([viewOf(three, 'words')]), []);
});

t.test('the last balance of a stage counts; how it ended is read from the log', async (t) => {
  const view = viewOf(['a'], 'a: in 3 = out 3', 'a: in 9 = out 9', '# daq-run: ended with status 3');
  t.match(view, { status: 3, balances: [{ in: 9 }] });
  t.equal(viewOf(['a'], 'x # daq-run: ended with status 3').status, undefined);
});

t.test(
  'logs take bytes as they come: binary, without newline, lines that never end; the latest is found',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'supervise-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const header = { id: 'a', platform: 2, host: 'h', commandLine: 'x', env: { CONFIGDB_AUTH: 'u:p' } };
    const log = new JobLog(folder, new Date('2026-03-04T05:06:07Z'), header);
    const bytes = Buffer.from([0, 255, 10, 128, 13, 10, 65]);
    const stream = Readable.from([bytes.subarray(0, 1), bytes.subarray(1), Buffer.alloc(200_000, 'y')], {
      objectMode: false,
    });
    log.follow(stream, '', () => {});
    await new Promise((resolve) => stream.once('close', resolve));
    log.end(0);
    const text = readFileSync(log.path);
    t.ok(text.includes(bytes));
    t.equal(text.filter((byte) => byte === 121).length, 200_000);
    t.match(text.toString(), /# CONFIGDB_AUTH:\*\*\*\*\*\n/);
    t.match(log.path, /2026\/03\/04_05:06:07_h:a.log$/);
    new JobLog(folder, new Date('2026-03-04T05:06:08Z'), { ...header, platform: 1 }).end(0);
    mkdirSync(join(folder, '2027/01'), { recursive: true });
    writeFileSync(join(folder, '2027/01/garbage.log'), '');
    t.same([...newestLogs(folder, ['a', 'b'], 2)], [['a', log.path]]);
    t.same([...newestLogs('/nowhere', ['a'], 2)], []);
  },
);
