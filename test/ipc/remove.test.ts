import t from 'tap';
import type { ListedObject } from '../../lib/ipc/listing/types.ts';
import { decide, labelOf, type RemovalRequest, unmatched } from '../../lib/ipc/remove.ts';

const base: ListedObject = {
  family: 'sysv',
  type: 'segment',
  origin: 'daqpipe',
  state: 'orphaned',
  kind: 'input',
  owner: { pid: 4711, command: undefined },
  uid: 1000,
  mode: 0o600,
  size: 4096,
  messages: undefined,
  attached: 0,
  ageSeconds: 10,
  partition: 3,
  detector: 'epix',
  segment: 0,
  instance: undefined,
  worker: 0,
  key: 0x63231002,
  id: 5,
  name: undefined,
};
const object = (more: Partial<ListedObject>): ListedObject => ({ ...base, ...more });
const request = (more: Partial<RemovalRequest> = {}): RemovalRequest => ({
  targets: [],
  uid: 1000,
  partition: undefined,
  allMine: false,
  force: false,
  ...more,
});
/** `go`, `stay`, or nothing if the request is not about it. */
const verdict = (one: ListedObject, more: Partial<RemovalRequest> = {}) =>
  decide([one], request(more)).map(({ remove }) => (remove ? 'go' : 'stay'))[0];

const registry = object({ kind: 'registry', key: 0x63231ff4, id: 6, worker: undefined });
const posix = { family: 'posix', key: undefined, id: undefined, name: '/shminp_p3_epix_0_0' } as const;

t.test('without arguments: orphans of this user, nothing else', (t) => {
  t.equal(verdict(base), 'go');
  t.equal(verdict(object({ ...posix, origin: 'named', owner: undefined })), 'go', 'also those of the existing system');
  t.equal(verdict(object({ state: 'alive' })), 'stay');
  t.equal(verdict(object({ ...posix, origin: 'named', state: 'unknown' })), 'stay');
  t.equal(verdict(object({ uid: 1001 })), undefined);
  t.equal(verdict(object({ origin: 'foreign', state: 'unknown' })), undefined);
  t.equal(verdict(object({ origin: 'unlisted', state: 'unknown' })), undefined);
  t.equal(verdict(base, { uid: 0 }), undefined, 'not even root takes others’ without naming them');
  t.end();
});

t.test('--partition restricts', (t) => {
  t.equal(verdict(base, { partition: 3 }), 'go');
  t.equal(verdict(base, { partition: 0 }), undefined);
  t.equal(verdict(base, { partition: 0, targets: ['0x63231002'] }), undefined);
  t.end();
});

t.test('--all-mine adds what only a key tells, unless it is in use', (t) => {
  const unlisted = object({ origin: 'unlisted', state: 'unknown', owner: undefined });
  t.equal(verdict(unlisted, { allMine: true }), 'go');
  t.equal(verdict({ ...unlisted, state: 'alive' }, { allMine: true }), 'stay');
  t.equal(verdict({ ...unlisted, uid: 1001 }, { allMine: true }), undefined);
  t.equal(verdict(object({ origin: 'foreign', state: 'unknown' }), { allMine: true }), undefined);
  t.equal(verdict(object({ state: 'alive' }), { allMine: true }), 'stay');
  t.end();
});

t.test('--force takes living owners’ objects', (t) => {
  t.equal(verdict(object({ state: 'alive' }), { force: true }), 'go');
  t.equal(verdict(object({ state: 'alive', uid: 1001 }), { force: true }), undefined);
  t.end();
});

t.test('named objects: by key in any notation, by name with or without slash', (t) => {
  for (const target of ['0x63231002', '0X63231002', String(0x63231002)])
    t.equal(verdict(base, { targets: [target] }), 'go');
  const named = object({ ...posix, origin: 'foreign', state: 'unknown', uid: 1001 });
  for (const target of [posix.name, posix.name.slice(1)]) t.equal(verdict(named, { targets: [target] }), 'go');
  t.equal(verdict(object({ state: 'alive' }), { targets: ['0x63231002'] }), 'stay', 'not a living owner’s');
  t.equal(verdict(object({ key: 0 }), { targets: ['0'] }), undefined, 'private objects have no key');
  t.same(unmatched([base], request({ targets: ['0x63231002', '/x', '5'] })), ['/x', '5']);
  t.end();
});

t.test('the key of a registry stands for all that it lists', (t) => {
  const other = object({ detector: 'hsd', key: 0x63999002, id: 9 });
  const decisions = decide([registry, base, other], request({ targets: ['0x63231ff4'] }));
  t.same(
    decisions.map((decision) => labelOf(decision.object)),
    ['0x63231ff4', '0x63231002'],
  );
  const mine = decide([{ ...registry, origin: 'unlisted' }, base], request({ targets: ['0x63231ff4'] }));
  t.equal(mine.length, 1, 'what looks like a registry but is none stands for itself');
  t.end();
});

t.test('every decision says why', (t) => {
  const why = (one: ListedObject, more: Partial<RemovalRequest> = {}) => decide([one], request(more))[0]!.why;
  t.match(why(base), /owner, pid 4711, is gone/);
  t.match(
    why(object({ state: 'alive', owner: { pid: 12, command: 'drp -P tst' } })),
    /pid 12 \(drp -P tst\), lives; --force/,
  );
  t.match(why(object({ origin: 'named', owner: undefined })), /nobody has it open/);
  t.match(why(object({ origin: 'named', state: 'unknown' })), /--all-mine/);
  t.equal(labelOf(object({ key: 0 })), 'segment id 5');
  t.end();
});
