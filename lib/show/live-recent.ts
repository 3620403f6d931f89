/** The headers of the last dgrams, kept as numbers: a few stores per dgram, text only when somebody looks. */

import type { Dgram } from '../xtc/dgram.ts';
import { envGroups, envService } from '../xtc/service.ts';
import type { Epoch } from '../xtc/time.ts';
import { dgramLine } from './line.ts';

const KEPT = 500;

export class RecentDgrams {
  private readonly index = new Float64Array(KEPT);
  private readonly offset = new Float64Array(KEPT);
  private readonly words = new Uint32Array(KEPT * 5);
  private count = 0;

  add(dgram: Dgram): void {
    const at = this.count++ % KEPT;
    this.index[at] = dgram.index;
    this.offset[at] = dgram.offset;
    const { words } = this;
    words[at * 5] = dgram.sec;
    words[at * 5 + 1] = dgram.nsec;
    words[at * 5 + 2] = dgram.env;
    words[at * 5 + 3] = dgram.damage;
    words[at * 5 + 4] = dgram.size;
  }

  /** One line per dgram, oldest first. */
  lines(epoch: Epoch): string[] {
    const lines: string[] = [];
    for (let i = Math.max(0, this.count - KEPT); i < this.count; i++) {
      const at = i % KEPT;
      const [sec, nsec, env, damage, size] = this.words.subarray(at * 5, at * 5 + 5) as unknown as number[];
      lines.push(
        dgramLine(
          {
            index: this.index[at]!,
            offset: this.offset[at]!,
            service: envService(env!),
            groups: envGroups(env!),
            sec: sec!,
            nsec: nsec!,
            damage: damage!,
            size: size!,
          },
          epoch,
        ),
      );
    }
    return lines;
  }
}
