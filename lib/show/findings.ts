/** Faults for people: the first few of each kind, then how many more; and what they mean for the exit status. */

import type { Finding, FindingCode } from '../xtc/finding.ts';

const SHOWN_PER_CODE = 10;

export class FindingLog {
  private readonly counts = new Map<FindingCode, number>();
  private readonly kept: Finding[] = [];
  private errorCount = 0;
  private warningCount = 0;
  private readonly perCode: number;

  constructor(perCode = SHOWN_PER_CODE) {
    this.perCode = perCode;
  }

  add(finding: Finding): void {
    const count = (this.counts.get(finding.code) ?? 0) + 1;
    this.counts.set(finding.code, count);
    if (finding.severity === 'error') this.errorCount++;
    else if (finding.severity === 'warning') this.warningCount++;
    if (count <= this.perCode) this.kept.push(finding);
  }

  get errors(): number {
    return this.errorCount;
  }

  get warnings(): number {
    return this.warningCount;
  }

  /** The findings that were kept, in input order. */
  get findings(): readonly Finding[] {
    return [...this.kept].sort((a, b) => a.offset - b.offset);
  }

  /** Count of every code that occurred. */
  get byCode(): ReadonlyMap<FindingCode, number> {
    return this.counts;
  }

  /** One line per kept finding, then the counts of those that were not kept. `info` only if asked for. */
  lines(info: boolean): string[] {
    const lines = this.findings.filter((finding) => info || finding.severity !== 'info').map(findingLine);
    for (const [code, count] of this.counts) {
      if (count > this.perCode) lines.push(`${code}: ${count - this.perCode} more`);
    }
    return lines;
  }
}

/** `error incomplete-payload: dgram 89, offset 430884: ...`. */
export function findingLine(finding: Finding): string {
  return `${finding.severity} ${finding.code}: dgram ${finding.index}, offset ${finding.offset}: ${finding.detail}${resumeText(finding)}`;
}

function resumeText({ resume, code }: Finding): string {
  if (resume === undefined) return '';
  if (resume === null)
    return code === 'incomplete-payload' ? '; the file is cut short' : '; no plausible dgram follows';
  const why = code === 'incomplete-payload' ? ', so the size is probably wrong and the file not short' : '';
  return `; a plausible dgram follows at ${resume}${why} (--resync goes on there)`;
}
