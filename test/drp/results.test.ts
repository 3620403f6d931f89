import t from 'tap';
import { imbalance } from '../../lib/cli/balance.ts';
import { checkConfigure, checkHeader, checkStructure, sameConfigure } from '../../lib/drp/check-result.ts';
import { Counters } from '../../lib/drp/counters.ts';
import { Emitter } from '../../lib/drp/emitter.ts';
import { decodeResults } from '../../lib/drp/links/decode-results.ts';
import type { Outcome } from '../../lib/drp/outcome.ts';
import { decodeMessage, encodeMessage, FROM_WORKER, RESULT_SLOT, STATUS } from '../../lib/drp/protocol.ts';
import { contribution } from '../../lib/drp/trigger.ts';
import type { DrpOptions } from '../../lib/drp/types.ts';
import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { pulseIdOf } from '../../lib/xtc/pulse-id.ts';
import { makeEnv, SERVICE } from '../../lib/xtc/service.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';

const names = namesBlockOf({
  nodeId: 1,
  namesId: 0,
  detType: 'x',
  detName: 'x',
  segment: 0,
  alg: 'raw',
  version: [0, 0, 1],
  fields: [{ name: 'n', type: 'INT32' }],
});

function dgram(service: number, n = 1, nsec = 7): Buffer {
  const writer = new DgramWriter();
  writer.begin({ sec: 5, nsec, env: makeEnv(service, 1), src: 1 });
  if (service === SERVICE.Configure) writer.names(names);
  else writer.data(names, { n });
  return Buffer.from(writer.finish());
}

t.test('messages come back as they were written; a wrong magic or length is recognised', (t) => {
  const bytes = encodeMessage(Buffer.alloc(24), {
    type: FROM_WORKER.RESULTS,
    sequence: 9,
    generation: 2,
    slot: 3,
    count: 4,
    bytes: 5,
    micros: 6,
  });
  t.same(decodeMessage(bytes), {
    type: 18,
    flags: 0,
    sequence: 9,
    generation: 2,
    slot: 3,
    count: 4,
    bytes: 5,
    micros: 6,
  });
  t.equal(decodeMessage(bytes, 23), undefined);
  bytes[0] = 0;
  t.equal(decodeMessage(bytes), undefined);
  t.end();
});

t.test('a result table is checked before it is used', (t) => {
  const slot = Buffer.alloc(RESULT_SLOT.payload + 100);
  const entry = (offset: number, size: number, status: number, trigger = 0) => {
    slot.writeUInt32LE(offset, 8);
    slot.writeUInt32LE(size, 12);
    slot.writeUInt16LE(status, 16);
    slot.writeUInt32LE(trigger, 20);
  };
  entry(RESULT_SLOT.payload, 90, STATUS.changed, 10);
  const [outcome] = decodeResults(slot, 1) as Outcome[];
  t.match(outcome, { kind: 'changed' });
  entry(RESULT_SLOT.payload, 101, STATUS.changed);
  t.match(decodeResults(slot, 1), /outside/);
  entry(8, 24, STATUS.changed);
  t.match(decodeResults(slot, 1), /outside/, 'not into the table either');
  entry(0xffffffff, 0xffffffff, STATUS.changed);
  t.match(decodeResults(slot, 1), /outside/);
  entry(RESULT_SLOT.payload, 24, 9);
  t.match(decodeResults(slot, 1), /unknown status/);
  t.match(decodeResults(slot.subarray(0, 100), 5), /do not fit/);
  t.end();
});

t.test('a result must belong to its input (section 2.7, checks 3, 4, 8)', (t) => {
  const input = dgram(SERVICE.L1Accept);
  t.equal(checkHeader(input, dgram(SERVICE.L1Accept, 2), 1000), undefined);
  t.equal(checkHeader(input, dgram(SERVICE.L1Accept, 1, 8), 1000), 'stale');
  t.equal(checkHeader(input, dgram(SERVICE.SlowUpdate), 1000), 'stale');
  t.match(checkHeader(input, input, input.length - 1), /above the limit/);
  t.match(checkHeader(input, input.subarray(0, 30), 1000), /says it has/);
  t.match(checkHeader(input, Buffer.alloc(10), 1000), /no dgram/);
  const other = Buffer.from(input);
  other.writeUInt32LE(2, 12);
  t.match(checkHeader(input, other, 1000), /another src/);
  const groups = Buffer.from(input);
  groups.writeUInt8(3, 8);
  t.match(checkHeader(input, groups, 1000), /readout groups/);
  t.end();
});

t.test('the structure of a result is walked (check 5), Configures must describe each thing once (check 7)', (t) => {
  const good = dgram(SERVICE.L1Accept);
  t.equal(checkStructure(good), undefined);
  const bad = Buffer.from(good);
  bad.writeUInt32LE(1000, 24 + 8);
  t.match(checkStructure(bad), /does not fit/);
  const configure = dgram(SERVICE.Configure);
  t.equal(checkConfigure(configure, configure), undefined);
  const writer = new DgramWriter();
  writer.begin({ sec: 5, nsec: 7, env: makeEnv(SERVICE.Configure, 1) });
  writer.names(names);
  writer.names(names);
  const twice = Buffer.from(writer.finish());
  t.match(checkConfigure(configure, twice), /described 2 times/);
  t.equal(checkConfigure(twice, twice), undefined, "what the input doubles is not the script's doing");
  const garbage = Buffer.from(configure);
  garbage[24 + 12 + 4 + 10] = 0x41; // behind the NUL of detType
  t.ok(sameConfigure(configure, garbage), 'undefined bytes do not count (check 6)');
  garbage[24 + 12 + 4] = 0x41;
  t.notOk(sameConfigure(configure, garbage));
  t.end();
});

const base = {
  pebble: 1000,
  maxTransition: 5000,
  onOversize: 'damage',
  oversizeKeep: 'none',
  onWorkerFailure: 'damage',
} as DrpOptions;

function emit(options: Partial<DrpOptions>, outcome: Outcome) {
  const out: Buffer[] = [];
  const triggers: Buffer[] = [];
  const counters = new Counters();
  counters.in = 1;
  const sink = (list: Buffer[]) => ({ bytes: (view: Buffer) => void list.push(Buffer.from(view)) });
  const emitter = new Emitter({ ...base, ...options }, counters, sink(out), sink(triggers), () => {});
  const input = dgram(SERVICE.L1Accept);
  emitter.emit(input, outcome);
  return { out, triggers, counters, input };
}

t.test('policies for oversize results (section 5)', (t) => {
  const oversize: Outcome = { kind: 'oversize', needed: 2000, bytes: undefined, trigger: undefined };
  const none = emit({}, oversize);
  t.equal(none.out[0]!.length, 24, 'none: an empty dgram');
  t.equal(none.out[0]!.readUInt16LE(16), 1, 'Truncated on the root');
  t.equal(none.out[0]!.readUInt32LE(20), 12, 'it can be walked');
  const raw = emit({ oversizeKeep: 'raw' }, oversize);
  t.equal(raw.out[0]!.length, raw.input.length);
  t.equal(raw.out[0]!.readUInt16LE(16), 1);
  const cut = emit({ oversizeKeep: 'cut' }, { ...oversize, bytes: raw.input.subarray(0, 30) });
  t.equal(cut.out[0]!.length, 30);
  t.equal(cut.out[0]!.readUInt16LE(16), 9, 'Truncated and Corrupted: readers stop there');
  t.equal(cut.out[0]!.readUInt32LE(20), 18);
  t.throws(() => emit({ onOversize: 'abort' }, oversize), {
    code: 'oversize',
    message: /needs 2000 bytes; the limit is 1000/,
  });
  for (const { counters } of [none, raw, cut]) t.equal(imbalance(counters.balance()), 0);
  t.end();
});

t.test('policies for events that failed twice (section 6)', (t) => {
  const failed: Outcome = { kind: 'failed', why: 'killed by SIGKILL\nmore' };
  const damage = emit({}, failed);
  t.equal(damage.out[0]!.readUInt16LE(16), 0x20, 'MissingData');
  t.same(emit({ onWorkerFailure: 'pass' }, failed).out[0], damage.input);
  const drop = emit({ onWorkerFailure: 'drop' }, failed);
  t.equal(drop.out.length, 0);
  t.equal(drop.triggers.length, 1, 'the event builder gets its contribution all the same');
  t.throws(() => emit({ onWorkerFailure: 'abort' }, failed), { code: 'worker-failed' });
  for (const { counters } of [damage, drop]) t.equal(imbalance(counters.balance()), 0);
  t.end();
});

t.test('every event sends a contribution: pulse id, header, payload (teb.md sections 1.1 and 3.1)', (t) => {
  const { triggers, input } = emit({}, { kind: 'same', trigger: Buffer.from('abc') });
  const [record] = triggers;
  t.equal(record!.length, 32 + 3);
  t.equal(Number(record!.readBigUInt64LE(0)), pulseIdOf(5, 7));
  t.same(record!.subarray(8, 24), input.subarray(0, 16), 'time, env and src of the input');
  t.equal(record!.readUInt32LE(28), 15);
  t.equal(record!.toString('latin1', 32), 'abc');
  t.equal(
    contribution(dgram(SERVICE.SlowUpdate), Buffer.from('abc'), 0).length,
    32,
    'other transitions have no payload',
  );
  t.end();
});
