/** An account of every event of a run from `cameraRun` after the FEX script worked on it, however it was disturbed. */

import { Framer, STEP } from '../../lib/xtc/framer.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import { Walker } from '../../lib/xtc/walk.ts';

export interface Account {
  in: number;
  out: number;
  /** Events with damage on the root. */
  damaged: number;
  /** Undamaged events without the features that belong to them. */
  wrong: number;
  /** Dgrams whose time is not that of the input at the same place. */
  misplaced: number;
}

interface Seen {
  timestamp: bigint;
  event: boolean;
  damage: number;
  square: bigint | undefined;
}

function look(bytes: Buffer): Seen[] {
  const framer = new Framer({ blockSize: bytes.length + 64 });
  bytes.copy(framer.space());
  framer.filled(bytes.length);
  framer.finish();
  const walker = new Walker();
  const seen: Seen[] = [];
  while (framer.next() === STEP.dgram) {
    const { dgram } = framer;
    let square: bigint | undefined;
    walker.walk(dgram, {
      data: (block) => {
        const field = block.names.fields.find(({ name }) => name === 'square');
        if (field) square = block.bigint(field.index);
      },
    });
    seen.push({ timestamp: dgram.timestamp, event: dgram.service === SERVICE.L1Accept, damage: dgram.damage, square });
  }
  if (framer.findings.length > 0) throw new Error(`damaged stream: ${JSON.stringify(framer.findings)}`);
  return seen;
}

export function accountFor(input: Buffer, output: Buffer): Account {
  const [before, after] = [look(input), look(output)];
  const account: Account = { in: before.length, out: after.length, damaged: 0, wrong: 0, misplaced: 0 };
  let n = 0;
  before.forEach((given, i) => {
    const got = after[i];
    if (got?.timestamp !== given.timestamp) account.misplaced++;
    if (!given.event) return;
    const square = BigInt(n) * BigInt(n);
    n++;
    if (got && got.damage !== 0) account.damaged++;
    else if (got?.square !== square) account.wrong++;
  });
  return account;
}
