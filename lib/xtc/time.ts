/** Times of dgrams: two 32-bit words, and an epoch that the file does not tell (spec xtc2.md, section 4). */

/** Seconds between 1970-01-01 and 1990-01-01, both 00:00 UTC. */
export const EPICS_EPOCH = 631_152_000;
export const EPOCHS = ['epics', 'unix'] as const;
export type Epoch = (typeof EPOCHS)[number];

export const NSEC_PER_SEC = 1_000_000_000;

export interface DgramTime {
  sec: number;
  nsec: number;
}

/** psana's integer timestamp `sec << 32 | nsec`; not a count of anything. */
export function timestampOf(time: DgramTime): bigint {
  return (BigInt(time.sec) << 32n) | BigInt(time.nsec);
}

export function fromTimestamp(timestamp: bigint): DgramTime {
  return { sec: Number(timestamp >> 32n), nsec: Number(timestamp & 0xffffffffn) };
}

/** Negative, 0 or positive as `a` is before, at or after `b`. */
export function compareTimes(a: DgramTime, b: DgramTime): number {
  return a.sec - b.sec || a.nsec - b.nsec;
}

/** `2025-03-28 14:03:20.123456789` in UTC; nanoseconds of 10^9 or more are shown as they are. */
export function formatUtc(sec: number, nsec: number, epoch: Epoch): string {
  const unix = epoch === 'epics' ? sec + EPICS_EPOCH : sec;
  const iso = new Date(unix * 1000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${String(nsec).padStart(9, '0')}`;
}
