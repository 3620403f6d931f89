/** One input on its way through selection, checker and view. */

import type { Output } from '../cli/output.ts';
import { InputError } from '../errors.ts';
import { DgramReader } from '../stream/dgram-reader.ts';
import type { DgramTaker } from '../stream/sink.ts';
import { openBytes } from '../stream/source.ts';
import { Checker, type Companion } from '../xtc/checker.ts';
import type { Dgram } from '../xtc/dgram.ts';
import type { Finding } from '../xtc/finding.ts';
import { Walker } from '../xtc/walk.ts';
import { FindingLog } from './findings.ts';
import type { ShowOptions } from './options.ts';
import { type Quota, Selection } from './select.ts';
import { makeView, type View } from './views.ts';

/** Enough to see the pattern; a chunk without its Configure has a finding for every block of a million dgrams. */
const CHECK_SHOWN_PER_CODE = 1000;

export class Pass {
  readonly name: string;
  readonly walker: Walker;
  readonly log: FindingLog;
  readonly selection: Selection;
  readonly view: View;
  private readonly checker: Checker | undefined;
  private readonly learns: boolean;
  private readonly companion: Companion | undefined;
  /** Dgrams shown. */
  shown = 0;
  /** Dgrams that were not wanted. */
  notSelected = 0;
  /** Dgrams of the input so far, and their bytes. */
  taken = 0;
  bytes = 0;

  /**
   * @param walker that of the chunk before, if this input continues it
   * @param sink where xtc2 and smd go
   * @param quota shared with the other inputs
   */
  constructor(
    name: string,
    options: ShowOptions,
    out: Output,
    walker: Walker,
    described: boolean,
    sink: DgramTaker = out,
    quota?: Quota,
  ) {
    this.name = name;
    this.walker = walker;
    this.log = new FindingLog(options.mode === 'check' ? CHECK_SHOWN_PER_CODE : undefined);
    this.selection = new Selection(options.selection, options.epoch, walker, quota);
    this.view = makeView(name, options, walker, this.selection, this.log, out, sink);
    const found = (finding: Finding) => this.log.add(finding);
    this.learns = options.follow || this.selection.payloads;
    this.checker = this.view.decodes ? new Checker(walker, found, { configured: described }) : undefined;
    const { visitor, report } = this.view;
    this.companion = visitor && { visitor, ...(report ? { report } : {}) };
  }

  /** True if payloads are never looked at. */
  get headersOnly(): boolean {
    return this.checker === undefined && !this.learns;
  }

  take(dgram: Dgram): void {
    if (!this.accepts(dgram)) {
      this.checker?.check(dgram);
      return;
    }
    this.view.begin?.(dgram);
    this.checker?.check(dgram, this.companion);
    this.view.end(dgram);
  }

  /** Whether a dgram is wanted. Every dgram of the input must come through here, because any may describe later ones. */
  accepts(dgram: Dgram): boolean {
    const wanted = this.selection.accepts(dgram);
    this.taken++;
    this.bytes += dgram.size;
    if (wanted) this.shown++;
    else this.notSelected++;
    if (this.learns && !this.checker) this.walker.walk(dgram, {});
    return wanted;
  }

  /** Corrects the count of a dgram that was wanted by itself, but not the event that it is a part of. */
  giveBack(): void {
    this.shown--;
    this.notSelected++;
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
