/** Sizes as people write them: `65536`, `64K`, `512M`, `2G`. */

import { UsageError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/**
 * Bytes of `4M` or `65536`.
 * @param limits what makes sense for the option
 * @throws UsageError that names the option and quotes the value
 */
export function parseBytes(text: string, option: string, limits: { least: number; most: number }): number {
  const match = /^(\d+)([KMG]?)$/i.exec(text);
  const bytes = match ? Number(match[1]) * UNITS[match[2]!.toUpperCase()]! : Number.NaN;
  if (bytes >= limits.least && bytes <= limits.most) return bytes;
  const range = `between ${sizeText(limits.least)} and ${sizeText(limits.most)}`;
  throw new UsageError(`${option}: "${text}" is no size ${range}; write 65536, 64K or 4M`);
}

function sizeText(bytes: number): string {
  const unit = ['G', 'M', 'K'].find((letter) => bytes >= UNITS[letter]!) ?? '';
  return `${Math.round(bytes / UNITS[unit]!)}${unit}`;
}
