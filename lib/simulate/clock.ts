/**
 * Pulses, markers and times of the superconducting linac (spec timing.md, section 1). A tick lasts 14/13 us, 910,000 ticks make
 * 0.98 s exactly, and a marker of interval v fires on every pulse id that v divides.
 */

import { NSEC_PER_SEC } from '../xtc/time.ts';

/** A number of pulses. */
export type Ticks = number;

export const TICK_HZ = 13e6 / 14;
/** Ticks between two slow markers. */
export const PERIOD: Ticks = 910_000;
const NSEC_PER_PERIOD = 980_000_000;

/** Fires on pulse ids p with p mod interval = offset. */
export interface Rate {
  interval: Ticks;
  offset: Ticks;
}

/** Interval and the spellings of each fixed-rate marker: display label first, then configuration, script and old names. */
export const MARKERS: readonly (readonly [Ticks, ...string[]])[] = [
  [910_000, '1.02Hz', '1Hz', '1H', '1_02Hz'],
  [91_000, '10.2Hz', '10Hz', '10H', '10_2Hz'],
  [9_100, '102Hz', '100Hz', '100H'],
  [910, '1.02kHz', '1kHz', '1kH', '1_02kHz'],
  [91, '10.2kHz', '10kHz', '10kH', '10_2kHz'],
  [26, '35.7kHz', '35kHz', '35kH'],
  [13, '71.4kHz', '71kHz', '70kH', '71_4kHz'],
  [1, '929kHz', '910kH'],
];

const UNITS: Readonly<Record<string, number>> = { hz: 1, khz: 1e3, mhz: 1e6 };

/**
 * Interval of a rate: a marker by any of its names, or the whole number of ticks that comes nearest to any other frequency.
 * @returns undefined if the text is no rate, or faster than one tick
 */
export function intervalOf(text: string): Ticks | undefined {
  const wanted = text.trim();
  const marker = MARKERS.find(([, ...labels]) => labels.includes(wanted));
  if (marker) return marker[0];
  const parts = /^(\d+(?:\.\d+)?(?:e-?\d+)?)\s*(Hz|kHz|MHz)$/i.exec(wanted);
  if (!parts) return undefined;
  const interval = Math.round(TICK_HZ / (Number(parts[1]) * UNITS[parts[2]!.toLowerCase()]!));
  return interval >= 1 && Number.isSafeInteger(interval) ? interval : undefined;
}

/** Display label of the marker with this interval. */
export function markerLabel(interval: Ticks): string | undefined {
  return MARKERS.find(([ticks]) => ticks === interval)?.[1];
}

/** First pulse after `pulse` on which the rate fires. */
export function nextAfter({ interval, offset }: Rate, pulse: Ticks): Ticks {
  const phase = (pulse - offset) % interval;
  return pulse + interval - (phase < 0 ? phase + interval : phase);
}

/** True if every pulse of `inner` is one of `outer`. */
export function contains(outer: Rate, inner: Rate): boolean {
  return inner.interval % outer.interval === 0 && (inner.offset - outer.offset) % outer.interval === 0;
}

/** Turns pulse ids into times. The time of pulse `pulse0` is given; all others follow from it. */
export class Clock {
  private readonly pulse0: Ticks;
  private readonly sec0: number;
  private readonly nsec0: number;
  /** Result of `at`. */
  sec = 0;
  nsec = 0;

  constructor(pulse0: Ticks, time0: { sec: number; nsec: number }) {
    this.pulse0 = pulse0;
    this.sec0 = time0.sec;
    this.nsec0 = time0.nsec;
  }

  /** Sets `sec` and `nsec` to the time of a pulse at or after `pulse0`; exact for more than a hundred days. */
  at(pulse: Ticks): void {
    const elapsed = pulse - this.pulse0;
    const periods = Math.floor(elapsed / PERIOD);
    const rest = elapsed - periods * PERIOD;
    const nsec = this.nsec0 + periods * NSEC_PER_PERIOD + Math.floor((rest * 14_000) / 13);
    const seconds = Math.floor(nsec / NSEC_PER_SEC);
    this.sec = this.sec0 + seconds;
    this.nsec = nsec - seconds * NSEC_PER_SEC;
  }
}
