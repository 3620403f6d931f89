/** Pulse ids for streams that carry none. Everybody who joins streams by pulse id must derive it in the same way: this one. */

/** Pulses come at 13/14 of a MHz: 928 571 and 6000/14000 in a second, so whole seconds and the rest are counted apart, and exactly. */
const WHOLE_PER_SECOND = 928_571;
const REST_PER_SECOND = 6000;
const PER_NANOSECOND = 13;
const SCALE = 14_000;

/**
 * The pulse id of a time: floor((sec · 10⁹ + nsec) · 13 / 14000). It grows with time and is the same for all contributions of an
 * event. Below 2⁵² for every time that a dgram can have, so it is a plain number.
 */
export function pulseIdOf(sec: number, nsec: number): number {
  return sec * WHOLE_PER_SECOND + Math.floor((sec * REST_PER_SECOND + nsec * PER_NANOSECOND) / SCALE);
}
