/** One input on its way through selection, checker and view. */

import type { Output } from '../cli/output.ts';
import { InputError } from '../errors.ts';
import { DgramReader } from '../stream/dgram-reader.ts';
import { openBytes } from '../stream/source.ts';
import { Checker } from '../xtc/checker.ts';
import type { Dgram } from '../xtc/dgram.ts';
import type { Finding } from '../xtc/finding.ts';
import { Walker } from '../xtc/walk.ts';
import { FindingLog } from './findings.ts';
import type { ShowOptions } from './options.ts';
import { Selection } from './select.ts';
import { makeView, type View } from './views.ts';

export class Pass {
  readonly name: string;
  readonly walker: Walker;
  readonly log: FindingLog;
  readonly selection: Selection;
  readonly view: View;
  private readonly checker: Checker | undefined;
  /** Dgrams shown. */
  shown = 0;

  /** @param walker that of the chunk before, if this input continues it */
  constructor(name: string, options: ShowOptions, out: Output, walker: Walker, described: boolean) {
    this.name = name;
    this.walker = walker;
    this.log = new FindingLog(options.mode === 'check' ? Number.MAX_SAFE_INTEGER : undefined);
    this.selection = new Selection(options.selection, options.epoch, walker);
    this.view = makeView(options, walker, this.selection, this.log, out);
    const found = (finding: Finding) => this.log.add(finding);
    this.checker = this.view.decodes ? new Checker(walker, found, { configured: described }) : undefined;
  }

  /** True if payloads are never looked at. */
  get headersOnly(): boolean {
    return this.checker === undefined && !this.selection.payloads;
  }

  take(dgram: Dgram): void {
    const wanted = this.selection.accepts(dgram);
    if (!wanted) {
      this.checker?.check(dgram);
      return;
    }
    this.shown++;
    this.view.begin?.(dgram);
    if (this.view.visitor)
      this.checker?.check(dgram, {
        visitor: this.view.visitor,
        ...(this.view.report ? { report: this.view.report } : {}),
      });
    else this.checker?.check(dgram);
    this.view.end(dgram);
  }

  /** Takes the framing faults of the reader into account. */
  close(findings: readonly Finding[]): void {
    for (const finding of findings) this.log.add(finding);
  }
}

/** A walker that knows the descriptions in the first dgram of a file. @throws InputError if there is none */
export async function describedBy(file: string, corrupted: boolean): Promise<Walker> {
  const walker = new Walker({ corrupted });
  const reader = new DgramReader(await openBytes(file));
  do {
    if (!reader.next()) continue;
    walker.walk(reader.dgram, {});
    reader.close();
    return walker;
  } while (await reader.fill());
  throw new InputError('has no dgram that could describe the data (--config)', { place: { file } });
}
