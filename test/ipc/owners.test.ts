import { SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';
import t from 'tap';
import { identityHash, KIND, makeKey } from '../../lib/ipc/keys.ts';
import { listSysv } from '../../lib/ipc/listing/sysv.ts';
import { openIpcSet } from '../../lib/ipc/open.ts';
import type { IpcIdentity, IpcSetOptions } from '../../lib/ipc/types.ts';
import { freshIdentity, keysOf, namesLeft, privateRuntimeFolder, startOwner } from './machine.ts';

privateRuntimeFolder(t);
const uid = process.geteuid!();
/** Other files run at the same time: in a partition of their own no keys meet by chance. */
const partition = 14;
const optionsOf = (identity: IpcIdentity): IpcSetOptions => ({ identity, workers: 2, segmentBytes: 8192 });
const TRANSPORTS = ['sysv', 'posix'] as const;
type Transport = (typeof TRANSPORTS)[number];

function open(transport: Transport, options: IpcSetOptions) {
  return transport === 'sysv'
    ? openIpcSet({ ...options, transport: 'sysv' })
    : openIpcSet({ ...options, transport: 'posix' });
}

function left(transport: Transport, identity: IpcIdentity): (number | string)[] {
  return transport === 'sysv' ? keysOf(identity.partition, identityHash(uid, identity)) : namesLeft(identity, 2);
}

for (const transport of TRANSPORTS) {
  t.test(
    `${transport}: a living owner is never touched, also when it is stopped; SIGKILL leaves nothing for long`,
    async (t) => {
      const identity = freshIdentity({ partition });
      const options = optionsOf(identity);
      const owner = await startOwner(t, transport, options);
      t.match(owner.answer, { opened: true, staleRemoved: 0 });
      const count = transport === 'sysv' ? 9 : 8;
      const served = {
        code: 'already-served',
        message: `partition ${partition} already serves ${identity.detName}_0, pid ${owner.pid}`,
      };
      t.throws(() => open(transport, options), served);
      owner.child.kill('SIGSTOP');
      t.throws(() => open(transport, options), served, 'a stopped process lives');
      t.equal(left(transport, identity).length, count);
      await owner.kill('SIGKILL');
      t.equal(left(transport, identity).length, count, 'they outlive it');
      const set = open(transport, options);
      t.equal(set.staleRemoved, count);
      set.close();
      t.same(left(transport, identity), []);
    },
  );

  t.test(`${transport}: an owner that ends in order leaves nothing`, async (t) => {
    const identity = freshIdentity({ partition });
    const owner = await startOwner(t, transport, optionsOf(identity));
    owner.child.stdin!.end();
    await new Promise((resolve) => owner.child.on('exit', resolve));
    t.same(left(transport, identity), []);
  });

  t.test(`${transport}: of starters at the same moment exactly one wins`, async (t) => {
    const identity = freshIdentity({ partition });
    const owners = await Promise.all(Array.from({ length: 3 }, () => startOwner(t, transport, optionsOf(identity))));
    const winners = owners.filter(({ answer }) => answer.opened);
    t.equal(winners.length, 1);
    for (const { answer } of owners.filter(({ answer }) => !answer.opened)) {
      t.match(answer, { code: 'already-served', message: new RegExp(`pid ${winners[0]!.pid}$`) });
    }
    t.equal(left(transport, identity).length, transport === 'sysv' ? 9 : 8);
    await winners[0]!.kill();
    const set = open(transport, optionsOf(identity));
    set.close();
    t.same(left(transport, identity), []);
  });

  t.test(`${transport}: SIGKILL at any moment of opening, recreating and closing`, async (t) => {
    const identity = freshIdentity({ partition });
    let stale = 0;
    for (let round = 0; round < 6; round++) {
      const owner = await startOwner(t, transport, optionsOf(identity), true);
      await new Promise((resolve) => setTimeout(resolve, 20 + round * 7));
      await owner.kill();
      const set = open(transport, optionsOf(identity));
      stale += set.staleRemoved;
      if (set.probe !== 0) t.fail('something was left that nobody lists');
      set.close();
      t.same(left(transport, identity), [], `round ${round}`);
    }
    t.comment(`${stale} stale objects removed`);
    t.ok(stale > 0, 'at least one kill came while there were objects');
  });
}

t.test('ephemeral segments go with their owner, even by SIGKILL', async (t) => {
  const identity = freshIdentity({ partition });
  const options = { ...optionsOf(identity), ephemeral: true };
  const owner = await startOwner(t, 'sysv', options);
  const segment = SysvSharedMemory.find(
    makeKey({ partition, hash: identityHash(uid, identity), worker: 0, kind: KIND.inputSegment }),
  );
  t.equal(segment, undefined, 'no key any more');
  await owner.kill();
  t.equal(left('sysv', identity).length, 5, 'queues and registry only');
  const set = open('sysv', options);
  t.equal(set.staleRemoved, 5);
  set.close();
});

t.test('dead instances of the same detector segment are reaped, living ones and other detectors are not', async (t) => {
  const identity = freshIdentity({ partition });
  const dead = { ...identity, instance: 'pid1' };
  const living = { ...identity, instance: 'pid2' };
  const next = { ...identity, instance: 'pid3' };
  const other = { ...identity, instance: 'pid1', segment: 1 };
  const owners = await Promise.all([dead, other, living].map((one) => startOwner(t, 'sysv', optionsOf(one))));
  await Promise.all([owners[0]!.kill(), owners[1]!.kill()]);
  const set = open('sysv', optionsOf(next));
  t.equal(set.staleRemoved, 9);
  const objects = listSysv(Date.now() / 1000).filter(({ detector }) => detector === identity.detName);
  const count = (one: IpcIdentity) =>
    objects.filter(({ segment, instance }) => segment === one.segment && instance === one.instance).length;
  t.same([dead, living, next, other].map(count), [0, 9, 9, 9]);
  set.close();
  await owners[2]!.kill();
  const sweeps = [living, other].map((one) => open('sysv', optionsOf({ ...one, instance: 'sweep' })));
  t.same(
    sweeps.map(({ staleRemoved }) => staleRemoved),
    [9, 9],
  );
  for (const sweep of sweeps) sweep.close();
});

t.test('what a foreign party put under a dead owner’s key after its death stays', async (t) => {
  const identity = freshIdentity({ partition });
  const owner = await startOwner(t, 'sysv', optionsOf(identity));
  const key = makeKey({ partition, hash: identityHash(uid, identity), worker: 0, kind: KIND.queueToWorker });
  await owner.kill();
  SysvQueue.remove(SysvQueue.find(key)!);
  const foreign = SysvQueue.create(key);
  t.teardown(() => foreign.remove());
  const set = open('sysv', optionsOf(identity));
  t.equal(set.staleRemoved, 8);
  t.equal(set.probe, 1);
  t.equal(SysvQueue.find(key), foreign.id);
  set.close();
});
