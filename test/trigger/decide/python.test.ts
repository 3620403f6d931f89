/** Scripts in real Python processes through our pipes: decisions, and every way in which they fail (spec teb.md, 4.5, 5, S9, S10). */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isSameProcess, processStatus } from 'posix-ipc-shim';
import t from 'tap';
import { needsShared } from '../../golden.ts';
import { SCENARIOS, Scenario } from '../scenarios.ts';
import {
  countedEvents,
  decideAll,
  decideEvents,
  event,
  eventsOf,
  LIMITS,
  SETUP,
  setupOf,
  started,
  tmo,
  tprm,
} from './deciding.ts';

const COMPAT = `
from psdaq.trigger import tebTrigger
from psdaq.TmoTebData import TmoTebData
ds = tebTrigger.TriggerDataSource()
clock = ds.detector('timing_0', TmoTebData)
`;
let scripts = 0;
const script = (text: string) => {
  const name = `s${scripts++}.py`;
  return join(t.testdir({ ...written, [name]: (written[name] = text) }), name);
};
const written: Record<string, string> = {};
const own = (text: string, more = {}) => ({ kind: 'script', script: script(text), ipc: 'own', ...more }) as const;
const rising = (count: number, forced: readonly number[] = [], policy = 2) =>
  Array.from({ length: count }, (_, i) => (forced.includes(i) ? policy : i << 8));

t.setTimeout(300_000);

for (const [name, file] of [
  ['script_pass_all', 'pass_all'],
  ['script_threshold', 'threshold_prescale'],
  ['script_router', 'monitor_router'],
]) {
  t.test(`${file}.py runs unmodified, whatever the batches are`, needsShared('data', 'teb'), async (t) => {
    const scenario = new Scenario(name!);
    const expected = scenario.expected().filter(({ svc, bypass }) => svc === 12 && bypass === 0);
    for (const batch of [64, 1, 7]) {
      const program = { kind: 'script', script: join(SCENARIOS, 'scripts', `${file}.py`), ipc: 'own' } as const;
      const { data, forced } = await decideAll(program, eventsOf(scenario), { setup: setupOf(scenario), batch });
      t.equal(data.length, expected.length);
      const wrong = expected.filter(
        ({ persist, monitor }, i) =>
          ((data[i]! >> 1) & 1) !== persist || (monitor !== 0 && ((data[i]! >> 2) & 15) !== monitor),
      );
      t.same(wrong, [], `batches of ${batch}`);
      t.same(forced, []);
    }
  });
}

t.test('a script that merely defines decide(event), with and without calling run()', async (t) => {
  const text = 'def decide(ev):\n    return (True, 0, ev.get("timing_0").write) if ev.pid >= 1000 else 5\n';
  const wanted = rising(100).map((data) => data | 2);
  t.same((await decideAll(own(text), countedEvents(100))).data, wanted);
  const calling = `from daqpipe.trigger import run\n${text}run(decide, stateless=True)\n`;
  const { data, decider } = await decideAll(own(calling), countedEvents(100));
  t.same(data, wanted);
  t.equal(decider.stateless, true);
});

t.test('decide_batch(events): columns, also of events that lie differently', async (t) => {
  const text = `
from daqpipe.trigger import mebs
def decide_batch(b):
    return [w > 5 for w in b.col("timing_0", "write", 1)], mebs("ami"), b.col("andor", "n", 3)
`;
  const events = Array.from({ length: 150 }, (_, i) =>
    event(
      1000 + i,
      { 0: tmo(i), ...(i % 10 === 0 ? { 1: tprm({ n: i }), 2: tmo(1) } : i % 3 === 0 ? { 1: tprm({}) } : {}) },
      3,
    ),
  );
  const { data } = await decideAll(own(text), events);
  const wanted = events.map((_, i) => (i > 5 ? 2 : 0) | (1 << 2) | ((i % 10 === 0 ? i : 3) << 8));
  t.same(data, wanted);
});

t.test('missing detectors, keys, versions: nothing raises; counted by name', async (t) => {
  const text = `
from daqpipe.trigger import accept, run, KEEP
accept("andor_0", keys=("npeaks",), version=(1, 2))
def decide(ev):
    assert ev.get("nobody") is None and ev.get("nobody_0", 4) == 4
    npeaks = ev.get("andor_0", {}).get("npeaks")
    return KEEP if npeaks is None else (npeaks > 3, 0)
run(decide)
`;
  const payloads = [
    tprm({ npeaks: 4 }, { version: 1 }),
    tprm({ npeaks: 2 }, { version: 2 }),
    tprm({ npeaks: 2 }, { version: 3 }),
    tprm({ n: 1 }, { version: 1 }),
    tprm(Buffer.from('{'), { version: 1 }),
    tprm(Buffer.from('\x80\x04N.', 'latin1'), { codec: 2, version: 1 }),
    tprm({}, { codec: 9, version: 1 }),
    Buffer.concat([tprm({}, { version: 1 }), Buffer.alloc(1)]),
    Buffer.alloc(0),
  ];
  const events = payloads.map((payload, i) => event(1000 + i, { 1: payload }));
  const { data, forced, rejected, decider } = await decideAll(own(text), events);
  t.same(data, [2, 0, 2, 2, 2, 2, 2, 2, 2]);
  t.same(forced, []);
  t.same(rejected, [2, 4, 5, 6, 7]);
  t.same(decider.counts.primBad, { andor_0: 5 });
  t.match(decider.counts.missingKeys, { 'andor_0.npeaks': 2 });
  const strict = text.replace('run(decide)', 'run(decide, versions="strict", keys="strict")');
  t.same(
    (await decideAll(own(strict), events, { onError: 'discard' })).forced,
    [2, 3],
    'by policy if the script wants that',
  );
  const pickle = { codec: 2, version: 1 };
  const pickled = Buffer.from('\x80\x04}\x8c\x06npeaksK\x01s.', 'latin1');
  const allowed = await decideAll(own(text, { allowPickle: true }), [event(1, { 1: tprm(pickled, pickle) })]);
  t.same(allowed.data, [0], 'a pickle where it is allowed');
});

t.test('our API: an exception, a wrong value concern their event only; the process goes on', async (t) => {
  const text = `
def decide(ev):
    n = ev.get("timing_0").write
    if n == 10: raise ValueError("ten")
    if n == 20: return "yes"
    if n == 30: return (True, 1.5)
    if n == 40: return (True, 1 << 70, 0)
    return False, 0, n
`;
  const { data, forced, decider, log } = await decideAll(own(text), countedEvents(100), { onError: 'discard' });
  t.same(forced, [10, 20, 30]);
  t.equal(data[40], 2, 'a huge mask is cut to four bits');
  t.same(
    data.filter((_, i) => i !== 40),
    rising(100, [10, 20, 30], 0).filter((_, i) => i !== 40),
  );
  t.equal(decider.counts.restarts, 0);
  t.same(decider.counts.failures, { exception: 1, 'wrong value': 2 });
  t.match(log.join('\n'), /pid 1010: .*Traceback[\s\S]*ValueError: ten/);
});

t.test('a batch that raises: the failing event is found without another process', async (t) => {
  const text = `
def decide_batch(b):
    n = list(b.col("timing_0", "write"))
    if 33 in n: raise ValueError("33")
    return False, 0, b.col("timing_0", "write")
`;
  const { data, forced, decider } = await decideAll(own(text), countedEvents(100));
  t.same(forced, [33]);
  t.same(data, rising(100, [33]));
  t.equal(decider.counts.restarts, 0);
});

t.test('an existing script: no result, two results, wrong types, output', async (t) => {
  const text = `${COMPAT}
for event in ds.events():
    n = clock.trigger(event).write
    print("event", n)
    if n == 3: continue
    if n == 5: ds.result(True, 0)
    if n == 7: ds.result(True, "x")
    elif n == 9: ds.result(True, -1)
    else: ds.result(False, 0)
`;
  const { data, forced, decider } = await decideAll(own(text), countedEvents(70));
  t.same(forced, [3, 5, 7]);
  t.equal(data[9], 2 | (15 << 2), '-1 is all monitors');
  t.same(decider.counts.failures, { 'no result': 1, 'second result': 1, 'wrong value': 1 });
  t.equal(decider.counts.restarts, 0);
});

const DYING: Readonly<Record<string, string>> = {
  raises: 'raise RuntimeError("boom")',
  exits: 'sys.exit(3)',
  'is killed': 'os.kill(os.getpid(), 9)',
  'writes rubbish into the pipe': 'os.write(4, b"rubbish " * 8)',
};
for (const [what, deed] of Object.entries(DYING)) {
  t.test(`an existing script that ${what}: another process, the same events, one decided by policy`, async (t) => {
    const text = `import os, sys\n${COMPAT}
for event in ds.events():
    n = clock.trigger(event).write
    if n == 17: ${deed}
    ds.result(n % 2, 0)
`;
    const { data, forced, decider } = await decideAll(own(text), countedEvents(100), { onError: 'discard' });
    t.same(forced, [17]);
    t.same(
      data,
      Array.from({ length: 100 }, (_, i) => (i % 2 && i !== 17 ? 2 : 0)),
    );
    t.ok(decider.counts.restarts >= 1 && decider.counts.restarts <= 2, `${decider.counts.restarts} restarts`);
    t.equal(decider.givenUp, undefined);
  });
}

t.test('a script that hangs, deaf to SIGTERM, is killed', async (t) => {
  const text = `import signal, time\n${COMPAT}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for event in ds.events():
    if clock.trigger(event).write == 5: time.sleep(1000)
    ds.result(False, 0)
`;
  const { forced, decider, log } = await decideAll(own(text), countedEvents(20), { timeoutMs: 1500 });
  t.same(forced, [5]);
  t.ok(decider.counts.restarts <= 2);
  t.match(log.join('\n'), /no answer within 1500 ms/);
});

t.test('restarts come to an end; a script that cannot be imported is tried twice', async (t) => {
  const { data, decider, log } = await decideAll(own(`${COMPAT}\nraise SystemExit(1)`), countedEvents(100), {
    restarts: 2,
  });
  t.match(decider.givenUp, /after 2 restarts/);
  t.same(new Set(data), new Set([2]), 'every event has an answer');
  t.equal(decider.counts.forced, 100);
  t.ok(log.length > 0);
  const never = await decideAll(own('import nothing_of_this_name'), countedEvents(3));
  t.match(never.decider.givenUp, /twice before it was ready: ModuleNotFoundError/);
  t.match(never.log.join('\n'), /No module named/);
  t.same(never.forced, [0, 1, 2]);
  const neither = await decideAll(own('x = 1'), countedEvents(1));
  t.match(neither.log.join('\n'), /neither defines decide/);
});

t.test('Configure: a new process, counts from zero; pids may restart', async (t) => {
  const text = `
from daqpipe.trigger import config
n = 0
def decide(ev):
    global n
    n += 1
    return config()["keep"], 0, n
`;
  const { decider } = await started(own(text), { body: { keep: true } });
  t.same((await decideEvents(decider, countedEvents(3))).data, [2 | 256, 2 | 512, 2 | 768]);
  await decider.configure({ keep: false });
  t.same((await decideEvents(decider, countedEvents(3))).data, [256, 512, 768]);
  await decider.stop();
  await decider.stop();
});

t.test('any program that speaks the frames: --exec', async (t) => {
  const text = own('def decide(ev):\n    return False, 0, ev.get("timing_0").write\n').script;
  const python = join(process.cwd(), 'python');
  const command = `env PYTHONPATH=${python} python3 -u -m daqpipe.trigger.runner ${text} "-p 0" "-b x"`;
  const { data } = await decideAll({ kind: 'exec', command }, countedEvents(70));
  t.same(data, rising(70));
  const wrong = await decideAll({ kind: 'exec', command: 'cat' }, countedEvents(3), { ...LIMITS, setup: SETUP });
  t.match(wrong.decider.givenUp, /twice before it was ready/);
});

t.test('S10: a decider whose command is killed does not outlive it', async (t) => {
  const file = own('import time\ndef decide(ev):\n    time.sleep(1000)\n').script;
  const code = `
import { makeDecider } from ${JSON.stringify(join(process.cwd(), 'lib/trigger/decide/make.ts'))};
const decider = await makeDecider(${JSON.stringify(SETUP)}, { kind: 'script', script: ${JSON.stringify(file)}, ipc: 'own' }, ${JSON.stringify(LIMITS)}, console.error);
await decider.configure({});
console.log(decider.pid);
setInterval(() => {}, 1000);
`;
  const command = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = await once(command.stdout.setEncoding('utf8'), 'data');
  const pid = Number(text);
  const status = processStatus(pid);
  t.ok(status, `process ${pid} is there`);
  command.kill('SIGKILL');
  while (isSameProcess(pid, status?.startTicks ?? 0)) await setTimeout(20);
  t.pass('it is gone');
});
