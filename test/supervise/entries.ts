import type { Entry } from '../../lib/supervise/config/types.ts';

/** An entry with defaults, for tests of what is made from entries. */
export function entry(id: string, more: Partial<Entry> = {}): Entry {
  return {
    ...{ id, cmd: id, host: undefined, flags: '', env: new Map(), port: undefined, rtprio: undefined },
    ...{ conda: undefined, cores: undefined, envGroup: undefined, after: [], line: undefined, grace: 5 },
    ready: { kind: 'alive', seconds: 0 },
    restart: { when: 'never', most: 0, within: 0 },
    ...more,
  };
}
