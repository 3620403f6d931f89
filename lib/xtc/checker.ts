/**
 * The structure checker: every condition of spec xtc2.md section 18 that concerns framed dgrams. Framing itself is checked by the
 * framer, whose findings have the same shape.
 */

import { DAMAGE } from './damage.ts';
import type { Dgram } from './dgram.ts';
import { FINDING_SEVERITY, type Finding, type FindingCode } from './finding.ts';
import { REFERENCE_DGRAM_LIMIT } from './layout.ts';
import { describeNames } from './names.ts';
import { envType, SERVICE, serviceName } from './service.ts';
import type { ShapesData } from './shapes-data.ts';
import { NSEC_PER_SEC } from './time.ts';
import { isText } from './value.ts';
import type { Visitor, Walker } from './walk.ts';

export class Checker {
  private readonly walker: Walker;
  private readonly found: (finding: Finding) => void;
  private readonly visitor: Visitor;
  private readonly watched: Visitor | undefined;
  private configured = false;
  private lastSec = -1;
  private lastNsec = 0;
  private index = 0;

  /**
   * @param found called for every finding, in the order found
   * @param alongside a visitor that shares the walk (statistics), so that a dgram is walked once
   */
  constructor(walker: Walker, found: (finding: Finding) => void, alongside?: Visitor) {
    this.walker = walker;
    this.found = found;
    this.watched = alongside;
    this.visitor = {
      ...alongside,
      data: (block) => {
        this.checkTexts(block);
        this.watched?.data?.(block);
      },
    };
  }

  /** Checks the next dgram of the stream; dgrams must come in input order. */
  check(dgram: Dgram): void {
    this.index = dgram.index;
    this.checkHeader(dgram);
    this.walker.walk(dgram, this.visitor, this.report);
  }

  private readonly report = (code: FindingCode, offset: number, detail: string): void => {
    this.found({ code, severity: FINDING_SEVERITY[code], index: this.index, offset, detail });
  };

  private checkHeader(dgram: Dgram): void {
    const { env, sec, nsec, offset, service } = dgram;
    if (dgram.size > REFERENCE_DGRAM_LIMIT) {
      this.report('over-reference-limit', offset, `${dgram.size} bytes: existing tools stop at dgrams above 64 MiB`);
    }
    if (service > SERVICE.L1Accept) this.report('unknown-service', offset, `service ${service} does not exist`);
    if (envType(env) === 3) this.report('unknown-env-type', offset, 'env type 3 does not exist');
    if (nsec >= NSEC_PER_SEC) this.report('bad-nsec', offset, `${nsec} nanoseconds are a second or more`);
    this.checkConfigure(dgram);
    if (sec < this.lastSec || (sec === this.lastSec && nsec < this.lastNsec)) {
      this.report(
        'time-backwards',
        offset,
        `time ${sec}.${nsec} is before that of the dgram before, ${this.lastSec}.${this.lastNsec}`,
      );
    }
    this.lastSec = sec;
    this.lastNsec = nsec;
  }

  private checkConfigure(dgram: Dgram): void {
    if (dgram.service === SERVICE.Configure) {
      if (this.configured) this.report('repeat-configure', dgram.offset, 'another Configure: descriptions start anew');
      this.configured = true;
    } else if (dgram.index === 0) {
      const name = serviceName(dgram.service);
      this.report(
        'no-configure',
        dgram.offset,
        `the first dgram is ${name}, not Configure (normal for chunks c001 and up)`,
      );
    }
  }

  private checkTexts(block: ShapesData): void {
    if (block.names.arrays === 0) return;
    for (let i = 0; i < block.count; i++) {
      const field = block.names.fields[i]!;
      if (!isText(field) || !block.unterminated(i)) continue;
      this.report(
        'unterminated-string',
        block.base + block.dataHeader,
        `${describeNames(block.names)}: text ${field.name} has no NUL within its ${block.byteLength(i)} bytes`,
      );
    }
  }
}

/** True if the payload of this dgram is hidden from existing readers. */
export function isHidden(dgram: Dgram): boolean {
  return (dgram.damage & DAMAGE.Corrupted) !== 0;
}
