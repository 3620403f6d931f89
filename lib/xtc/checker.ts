/**
 * The structure checker: every condition of spec xtc2.md section 18 that concerns framed dgrams. Framing itself is checked by the
 * framer, whose findings have the same shape.
 */

import type { Dgram } from './dgram.ts';
import { FINDING_SEVERITY, type Finding, type FindingCode, type Report } from './finding.ts';
import { REFERENCE_DGRAM_LIMIT } from './layout.ts';
import { envType, SERVICE, serviceName } from './service.ts';
import { NSEC_PER_SEC } from './time.ts';
import type { Visitor, Walker } from './walk.ts';

/** Somebody who shares the checker's walk, so that a dgram is walked once. */
export interface Companion {
  visitor: Visitor;
  /** Told of every fault inside the dgram. */
  report?: Report;
}

export interface CheckerOptions {
  /** Descriptions were given beforehand: a stream that starts without Configure is all right. */
  configured?: boolean;
}

const NOBODY: Visitor = {};

export class Checker {
  private readonly walker: Walker;
  private readonly found: (finding: Finding) => void;
  private companion: Companion | undefined;
  private configured: boolean;
  private readonly preset: boolean;
  private lastSec = -1;
  private lastNsec = 0;
  private index = 0;
  private inside = false;

  /** @param found called for every finding, in the order found */
  constructor(walker: Walker, found: (finding: Finding) => void, options: CheckerOptions = {}) {
    this.walker = walker;
    this.found = found;
    this.preset = options.configured ?? false;
    this.configured = false;
  }

  /** Checks the next dgram of the stream; dgrams must come in input order. */
  check(dgram: Dgram, companion?: Companion): void {
    this.index = dgram.index;
    this.checkHeader(dgram);
    this.companion = companion;
    this.inside = true;
    this.walker.walk(dgram, companion?.visitor ?? NOBODY, this.report);
    this.inside = false;
  }

  private readonly report = (code: FindingCode, offset: number, detail: string): void => {
    this.found({ code, severity: FINDING_SEVERITY[code], index: this.index, offset, detail });
    if (this.inside) this.companion?.report?.(code, offset, detail);
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
    } else if (dgram.index === 0 && !this.preset) {
      const name = serviceName(dgram.service);
      this.report(
        'no-configure',
        dgram.offset,
        `the first dgram is ${name}, not Configure (normal for chunks c001 and up)`,
      );
    }
  }
}
