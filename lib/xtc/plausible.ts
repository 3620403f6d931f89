/**
 * Finding the next dgram after lost framing: which positions look like a dgram (spec xtc2.md, section 19). Positions are
 * unaligned, so every byte is tried; the quick test on the header keeps that cheap.
 */

import { DGRAM, MAX_EXTENT, TYPE, XTC } from './layout.ts';
import { envService, envType, SERVICE } from './service.ts';
import { NSEC_PER_SEC } from './time.ts';

/** `more`: the answer depends on bytes behind `end` that have not been read yet. */
export type Plausibility = 'yes' | 'no' | 'more';

/** Beyond this many unread bytes a candidate is judged by what is known of it. */
const LOOK_AHEAD_LIMIT = 64 * 1024 * 1024;

/**
 * Judges position `pos` of a block that is filled up to `end`.
 * @param atEof whether the input ends at `end`
 */
export function plausibleAt(view: DataView, pos: number, end: number, atEof: boolean): Plausibility {
  if (pos + DGRAM.size > end) return atEof ? 'no' : 'more';
  if (!plausibleHeader(view, pos)) return 'no';
  const next = pos + 12 + view.getUint32(pos + DGRAM.extent, true);
  if (next > end && atEof) return 'no';
  const own = childrenFill(view, pos, end);
  if (own !== 'yes') return own;
  if (next > end) return next - pos > LOOK_AHEAD_LIMIT ? 'yes' : 'more';
  return followerAt(view, next, end, atEof);
}

/** What stands behind a candidate: the end, a header cut off by the end, or another plausible dgram. */
function followerAt(view: DataView, pos: number, end: number, atEof: boolean): Plausibility {
  if (end - pos < DGRAM.size) {
    if (!atEof) return 'more';
    return end - pos < 4 || view.getUint32(pos + DGRAM.nsec, true) < NSEC_PER_SEC ? 'yes' : 'no';
  }
  if (!plausibleHeader(view, pos)) return 'no';
  const cut = pos + 12 + view.getUint32(pos + DGRAM.extent, true) > end;
  const children = childrenFill(view, pos, end);
  if (children === 'no') return 'no';
  // A cut follower counts: files that are still being written end so.
  return cut && !atEof && children === 'more' && pos + LOOK_AHEAD_LIMIT > end ? 'more' : 'yes';
}

function plausibleHeader(view: DataView, pos: number): boolean {
  if (view.getUint16(pos + DGRAM.typeId, true) !== TYPE.Parent) return false;
  if (view.getUint32(pos + DGRAM.nsec, true) >= NSEC_PER_SEC) return false;
  const env = view.getUint32(pos + DGRAM.env, true);
  const service = envService(env);
  // 0 and 1 are left out on purpose: in event-built dgrams a root before a nested Parent would look like service 0.
  if (envType(env) > 2 || service < SERVICE.Configure || service > SERVICE.L1Accept) return false;
  if (view.getUint32(pos + DGRAM.src, true) >>> 28 > 1) return false;
  const extent = view.getUint32(pos + DGRAM.extent, true);
  return extent >= XTC.size && extent <= MAX_EXTENT;
}

/** Whether the children end exactly where the dgram ends, as far as the block shows. */
function childrenFill(view: DataView, pos: number, end: number): Plausibility {
  const stop = pos + 12 + view.getUint32(pos + DGRAM.extent, true);
  let child = pos + DGRAM.size;
  while (child < stop) {
    if (stop - child < XTC.size) return 'no';
    if (child + XTC.size > end) return 'more';
    const typeId = view.getUint16(child + XTC.typeId, true);
    if (typeId !== TYPE.Parent && typeId !== TYPE.ShapesData && typeId !== TYPE.Names) return 'no';
    const extent = view.getUint32(child + XTC.extent, true);
    if (extent < XTC.size || extent > stop - child) return 'no';
    child += extent;
  }
  return 'yes';
}
