/** Result records from what a decision line says. */

import { contributionBytes, eventEnv } from '../../lib/trigger/wire/eb-dgram.ts';
import { LEVEL, TYPE_DATA } from '../../lib/trigger/wire/layout.ts';
import { dataWord } from '../../lib/trigger/wire/result.ts';

export interface ResultParts {
  pid: number;
  svc: number;
  rogs: number;
  prescale?: number;
  persist?: number;
  monitor?: number;
  monbuf?: string;
  damage?: number;
  aux?: number;
}

/** 40 bytes of decider `decider`. */
export function resultBytes(parts: ResultParts, decider = 0): Buffer {
  const { pid, svc, rogs, prescale = 0, persist = 0, monitor = 0, monbuf = '0', damage = 0, aux = 0 } = parts;
  const words = Buffer.alloc(8);
  words.writeUInt32LE(dataWord(persist === 1, monitor, aux, prescale === 1), 0);
  words.writeUInt32LE(Number.parseInt(monbuf, 16), 4);
  const src = (LEVEL.event << 28) | decider;
  const header = { pid, seconds: 0, nanoseconds: 0, env: eventEnv(rogs, svc), src, damage, typeId: TYPE_DATA };
  return contributionBytes(header, words);
}
