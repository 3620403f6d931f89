/** Results are checked, never trusted (spec drp-python.md, section 2.7). Every function says what is wrong, or undefined. */

import { Dgram } from '../xtc/dgram.ts';
import { DGRAM, MAX_EXTENT, TYPE, XTC } from '../xtc/layout.ts';
import { formatNamesId, isNamesPayloadSize, namesIdOf, parseNames } from '../xtc/names.ts';
import { envGroups, envService } from '../xtc/service.ts';
import { withoutUndefinedBytes } from '../xtc/undefined-bytes.ts';
import { Walker } from '../xtc/walk.ts';

/** Checks 3, 4 and 8: the result belongs to this input and its size is possible. `stale` is a result of another dgram. */
export function checkHeader(input: Buffer, result: Buffer, limit: number): string | undefined {
  if (result.length < DGRAM.size) return `a result of ${result.length} bytes is no dgram`;
  const extent = result.readUInt32LE(DGRAM.extent);
  if (extent < XTC.size || extent > MAX_EXTENT || extent + 12 !== result.length) {
    return `the result says it has ${extent + 12} bytes and has ${result.length}`;
  }
  if (result.length > limit) return `a result of ${result.length} bytes is above the limit of ${limit}`;
  if (input.readUInt32LE(DGRAM.nsec) !== result.readUInt32LE(DGRAM.nsec)) return 'stale';
  if (input.readUInt32LE(DGRAM.sec) !== result.readUInt32LE(DGRAM.sec)) return 'stale';
  const [before, after] = [input.readUInt32LE(DGRAM.env), result.readUInt32LE(DGRAM.env)];
  if (envService(before) !== envService(after)) return 'stale';
  if (envGroups(before) !== envGroups(after)) return 'the result has other readout groups than the input';
  if (input.readUInt32LE(DGRAM.src) !== result.readUInt32LE(DGRAM.src))
    return 'the result has another src than the input';
  return undefined;
}

/** Check 5: the payload walks. Nested Parents are entered. */
export function checkStructure(result: Buffer): string | undefined {
  return checkContainer(result, DGRAM.size, result.length);
}

function checkContainer(bytes: Buffer, from: number, end: number): string | undefined {
  let at = from;
  while (at < end) {
    if (end - at < XTC.size) return `${end - at} bytes are left over at ${at}`;
    const extent = bytes.readUInt32LE(at + XTC.extent);
    if (extent < XTC.size || extent > end - at) return `the extent ${extent} at ${at} does not fit`;
    const type = bytes.readUInt16LE(at + XTC.typeId) & 0xfff;
    if (type !== TYPE.Parent && type !== TYPE.Names && type !== TYPE.ShapesData)
      return `type ${type} at ${at} does not belong there`;
    const inner = type === TYPE.Parent ? checkContainer(bytes, at + XTC.size, at + extent) : undefined;
    if (inner !== undefined) return inner;
    at += extent;
  }
  return undefined;
}

/** Check 7: what the script added to a Configure has names ids and detector/algorithm/segment triples of its own. */
export function checkConfigure(input: Buffer, configure: Buffer): string | undefined {
  const wrong = checkStructure(configure);
  if (wrong !== undefined) return wrong;
  // What is doubled in the input already is not the script's doing: configuration objects of one detector may have several ids.
  const given = countNames(input);
  for (const [what, count] of countNames(configure)) {
    if (count > Math.max(1, given.get(what) ?? 0)) return `${what} is described ${count} times`;
  }
  return undefined;
}

/** How often each names id and each triple is described. */
function countNames(configure: Buffer): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for (const [start, end] of namesBlocks(configure, DGRAM.size, configure.length)) {
    if (!isNamesPayloadSize(end - start - XTC.size)) {
      count(`a block of impossible size at ${start}`);
      continue;
    }
    const id = namesIdOf(configure.readUInt32LE(start + XTC.src));
    const names = parseNames(configure, id, start + XTC.size, end);
    count(`names id ${formatNamesId(id)}`);
    count(`${names.detName}_${names.segment} ${names.alg}`);
  }
  return counts;
}

function* namesBlocks(bytes: Buffer, from: number, end: number): Generator<[number, number]> {
  for (let at = from; at < end; at += bytes.readUInt32LE(at + XTC.extent)) {
    const stop = at + bytes.readUInt32LE(at + XTC.extent);
    const type = bytes.readUInt16LE(at + XTC.typeId) & 0xfff;
    if (type === TYPE.Parent) yield* namesBlocks(bytes, at + XTC.size, stop);
    else if (type === TYPE.Names) yield [at, stop];
  }
}

/** Check 6: two workers describe their data in the same way; undefined bytes do not count. */
export function sameConfigure(a: Buffer, b: Buffer): boolean {
  return (
    a.equals(b) ||
    withoutUndefinedBytes(new Dgram(a), new Walker()).equals(withoutUndefinedBytes(new Dgram(b), new Walker()))
  );
}
