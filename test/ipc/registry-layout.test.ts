import t from 'tap';
import {
  isBlank,
  type RegistryHead,
  readHead,
  readRecords,
  registryBytes,
  STATE,
  writeHead,
  writeRecord,
} from '../../lib/ipc/registry-layout.ts';

const head: RegistryHead = {
  uid: 4294967294,
  owner: { pid: 4194303, startTicks: 2 ** 40 + 1, pidNamespace: 4026531836 },
  identity: { partition: 15, detName: 'détecteur_2', segment: 4294967295, instance: 'xpm:2' },
  workers: 255,
  probe: 15,
  startedAt: 1795250617.25,
};

t.test('what is written can be read', (t) => {
  const bytes = Buffer.alloc(registryBytes(255));
  t.ok(isBlank(bytes));
  t.equal(readHead(bytes), undefined, 'not before the magic is there');
  writeHead(bytes, head);
  t.notOk(isBlank(bytes));
  t.equal(bytes.toString('latin1', 0, 8), 'DAQPIPE1');
  t.same(readHead(bytes), head);
  const records = [
    { worker: 0, kind: 0, key: 0x6f231000, id: 0, state: STATE.made, bytes: 0 },
    { worker: 254, kind: 3, key: 0x6f231fe3, id: 2147483647, state: STATE.pending, bytes: 2 ** 40 },
  ];
  for (const record of records) writeRecord(bytes, record);
  t.same(readRecords(bytes, 255), records);
  t.same(readHead(bytes), head, 'records do not touch the head');
  t.end();
});

t.test('a name of 222 bytes fits, no instance stays none', (t) => {
  const bytes = Buffer.alloc(registryBytes(1));
  const identity = { partition: 0, detName: 'x'.repeat(222), segment: 0, instance: undefined };
  writeHead(bytes, { ...head, workers: 1, identity });
  t.same(readHead(bytes)?.identity, identity);
  t.end();
});

t.test('segments that are no registry, or not all of one, are not believed', (t) => {
  const bytes = Buffer.alloc(registryBytes(2));
  writeHead(bytes, { ...head, workers: 2 });
  t.equal(readHead(bytes.subarray(0, 100)), undefined, 'too short');
  t.equal(readHead(Buffer.alloc(0)), undefined);
  const more = Buffer.from(bytes);
  more.writeUInt32LE(255, 64);
  t.equal(readHead(more), undefined, 'more workers than it has room for');
  const later = Buffer.from(bytes);
  later.writeUInt32LE(2, 8);
  t.equal(readHead(later), undefined, 'another layout');
  const long = Buffer.from(bytes);
  long.writeUInt16LE(223, 80);
  t.equal(readHead(long), undefined, 'a name that is longer than its field');
  let state = 7;
  for (let round = 0; round < 2000; round++) {
    const mutant = Buffer.from(bytes);
    for (let i = 0; i < 8; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      mutant[(state >>> 8) % 1100] = state & 0xff;
    }
    const found = readHead(mutant);
    if (found) readRecords(mutant, found.workers);
  }
  t.pass('2,000 mutants are read or refused without an exception');
  t.end();
});
