/**
 * `--ipc posix`: scripts of the existing Python side have no call for trigger data. An algorithm named `trig` that the script adds is taken
 * out of the data dgram and becomes the payload of the contribution to the trigger (spec drp-python.md, section 7).
 */

import { Dgram } from '../../xtc/dgram.ts';
import { editDgram } from '../../xtc/editor.ts';
import { XTC } from '../../xtc/layout.ts';
import type { NamesBlock } from '../../xtc/names.ts';
import { SERVICE } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';

const ALGORITHM = 'trig';

export interface Split {
  /** The result without trigger data. */
  bytes: Buffer;
  /** Fields of `trig` as they are stored: packed, in the order of their definition. A view of the result. */
  trigger: Buffer | undefined;
}

export class TriggerSplitter {
  private readonly walker = new Walker();
  /** Names ids of `trig`. */
  private added = new Set<number>();
  private readonly isTrigger = ({ id }: NamesBlock) => this.added.has(id);

  /** The script describes trigger data. Known after Configure. */
  get used(): boolean {
    return this.added.size > 0;
  }

  /** @param input what the worker was given; `result` what it made of it */
  split(input: Buffer, result: Buffer, service: number): Split {
    if (service === SERVICE.Configure) this.learn(input, result);
    if (!this.used) return { bytes: result, trigger: undefined };
    const dgram = new Dgram(result);
    let trigger: Buffer | undefined;
    this.walker.walk(dgram, {
      data: (block) => {
        if (!this.isTrigger(block.names)) return;
        const at = block.dataHeader;
        trigger = block.bytes.subarray(at + XTC.size, at + block.view.getUint32(at + XTC.extent, true));
      },
    });
    const isEvent = service === SERVICE.L1Accept;
    return {
      bytes: editDgram(dgram, { remove: this.isTrigger }, this.walker.table),
      trigger: isEvent ? trigger : undefined,
    };
  }

  private learn(input: Buffer, result: Buffer): void {
    const given = triggerIds(input);
    this.added = new Set([...triggerIds(result)].filter((id) => !given.has(id)));
  }
}

function triggerIds(configure: Buffer): Set<number> {
  const ids = new Set<number>();
  new Walker().walk(new Dgram(configure), {
    names: ({ alg, id }) => {
      if (alg === ALGORITHM) ids.add(id);
    },
  });
  return ids;
}
