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

/** `gmd:raw:energy`, `gmd:raw:energy=histogram`; what is no kind belongs to the name, for names are what the input makes them. */
export function plotNamed(text: string): PlotRequest {
  const at = text.lastIndexOf('=');
  const kind = text.slice(at + 1);
  if (at <= 0 || !isKind(kind)) return { key: text, field: text, kind: undefined };
  return { key: text, field: text.slice(0, at), kind };
}

/** What a person writes, who may have mistaken a kind. @throws UsageError */
export function parsePlot(text: string): PlotRequest {
  const request = plotNamed(text);
  const { field } = request;
  if (field === '' || field.startsWith('=')) throw new UsageError(`"${text}" is no FIELD[=KIND]`);
  if (field.includes('='))
    throw new UsageError(
      `"${text}": a field can be shown as ${KINDS.join(', ')}, not as "${field.replace(/.*=/, '')}"`,
    );
  return request;
}

function isKind(text: string): text is PlotKind {
  return (KINDS as readonly string[]).includes(text);
}
