/** Which plots somebody wants: `FIELD[=KIND]`. */

import { UsageError } from '../../errors.ts';
import { KINDS, type PlotKind } from './messages.ts';

export interface PlotRequest {
  /** As it was written; names the plot. */
  readonly key: string;
  readonly field: string;
  /** undefined: the usual one for what the field holds. */
  readonly kind: PlotKind | undefined;
}

const LONGEST = 400;

/** `gmd:raw:energy`, `gmd:raw:energy=histogram`. @throws UsageError */
export function parsePlot(text: string): PlotRequest {
  const at = text.lastIndexOf('=');
  const field = at < 0 ? text : text.slice(0, at);
  const kind = at < 0 ? undefined : text.slice(at + 1);
  if (field === '' || text.length > LONGEST) throw new UsageError(`"${text.slice(0, LONGEST)}" is no FIELD[=KIND]`);
  if (kind !== undefined && !isKind(kind))
    throw new UsageError(`"${text}": a field can be shown as ${KINDS.join(', ')}, not as "${kind}"`);
  return { key: text, field, kind };
}

function isKind(text: string): text is PlotKind {
  return (KINDS as readonly string[]).includes(text);
}
