/** Damage flags (spec xtc2.md, section 6). Bits 11:0 are flags, bits 15:12 a user value. */

export const DAMAGE = {
  Truncated: 0x1,
  OutOfOrder: 0x2,
  OutOfSynch: 0x4,
  Corrupted: 0x8,
  DroppedContribution: 0x10,
  MissingData: 0x20,
  TimedOut: 0x40,
} as const;

const FLAG_NAMES = [
  'Truncated',
  'OutOfOrder',
  'OutOfSynch',
  'Corrupted',
  'DroppedContribution',
  'MissingData',
  'TimedOut',
  'Bit7',
  'Bit8',
  'Bit9',
  'Bit10',
  'Bit11',
] as const;

/** Lossless list of names: flags in bit order, then `User1`..`User15`. */
export function damageNames(damage: number): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < FLAG_NAMES.length; bit++) if (damage & (1 << bit)) names.push(FLAG_NAMES[bit]!);
  if (damage >>> 12) names.push(`User${damage >>> 12}`);
  return names;
}

/** The inverse of `damageNames` for one name, any letter case; undefined if there is no such damage. */
export function damageByName(name: string): number | undefined {
  const wanted = name.toLowerCase();
  const bit = FLAG_NAMES.findIndex((flag) => flag.toLowerCase() === wanted);
  if (bit >= 0) return 1 << bit;
  const user = /^user(\d{1,2})$/.exec(wanted);
  const value = user ? Number(user[1]) : 0;
  return value >= 1 && value <= 15 ? value << 12 : undefined;
}
