import t from 'tap';
import { checkIdentity, identityHash, KIND, makeKey, parseKey, REGISTRY_WORKER, showKey } from '../../lib/ipc/keys.ts';

const at = (uid: number, name: string, instance?: string) => {
  const [, detName, segment] = /^(.*)_(\d+)$/.exec(name)!;
  return identityHash(uid, { partition: 0, detName: detName!, segment: Number(segment), instance });
};

t.test('vectors of the hash (3.2)', (t) => {
  t.equal(at(1000, 'atmopal_0'), 0x231);
  t.equal(at(1000, 'atmopal_1'), 0xc82);
  t.equal(at(1001, 'atmopal_0'), 0xe6c);
  t.equal(at(0, 'hsd_0'), 0x80a);
  t.equal(at(4294967294, 'epixhr_12'), 0x6fb);
  const key = makeKey({ partition: 3, hash: at(1000, 'atmopal_0'), worker: 10, kind: KIND.inputSegment });
  t.equal(showKey(key), '0x632310a2', 'worker 10 of partition 3: input segment');
  t.end();
});

t.test('an instance changes the hash; the partition does not', (t) => {
  t.not(at(1000, 'atmopal_0', 'xpm2'), at(1000, 'atmopal_0'));
  const identity = { detName: 'atmopal', segment: 0 };
  t.equal(identityHash(1, { partition: 1, ...identity }), identityHash(1, { partition: 2, ...identity }));
  t.equal(at(1000, 'détecteur_0'), at(1000, 'détecteur_0'));
  t.not(at(1000, 'détecteur_0'), at(1000, 'detecteur_0'), 'UTF-8 bytes count');
  t.end();
});

t.test('every key is positive, not IPC_PRIVATE, unique, and can be read back', (t) => {
  const seen = new Set<number>();
  for (const partition of [0, 7, 15]) {
    for (const hash of [0, 0x231, 0xfff]) {
      for (let worker = 0; worker < 255; worker++) {
        for (let kind = 0; kind < 4; kind++) {
          const key = makeKey({ partition, hash, worker, kind });
          seen.add(key);
          if (key > 0x7fffffff || key === 0) t.fail(`${showKey(key)} is negative or private`);
          const back = parseKey(key);
          if (back?.worker !== worker || back.kind !== kind || back.hash !== hash || back.partition !== partition) {
            t.fail(`${showKey(key)} reads back as ${JSON.stringify(back)}`);
          }
        }
      }
    }
  }
  t.equal(seen.size, 9 * 255 * 4);
  t.end();
});

t.test('the hash wraps at 4096 when probing', (t) => {
  t.equal(makeKey({ partition: 0, hash: 0xfff + 1, worker: 0, kind: 0 }), 0x60000000);
  t.end();
});

t.test('keys that are none of ours', (t) => {
  for (const key of [0, 0x00231002, 0x70231002, 0xe0231002, 0x60231006, 0x6023100f]) t.equal(parseKey(key), undefined);
  t.equal(parseKey(0x60231004), undefined, 'a registry has worker 0xff');
  t.equal(parseKey(0x60231ff2), undefined, 'worker 0xff has nothing but a registry');
  t.match(parseKey(0x60231ff4), { worker: REGISTRY_WORKER, kind: KIND.registry });
  t.end();
});

t.test('identities that make no key or name are a mistake of usage', (t) => {
  const good = { partition: 15, detName: 'epix_10k', segment: 3 };
  checkIdentity(good);
  for (const wrong of [
    { partition: 16 },
    { partition: -1 },
    { partition: 1.5 },
    { segment: -1 },
    { detName: '' },
    { detName: 'a/b' },
    { detName: 'a b' },
    { detName: 'a\0' },
    { detName: 'x'.repeat(223) },
    { instance: '' },
    { instance: 'a\nb' },
  ]) {
    t.throws(() => checkIdentity({ ...good, ...wrong }), { code: 'usage' }, JSON.stringify(wrong));
  }
  t.end();
});
