/** Chunks of a long stream: `...-c000.xtc2`, `...-c001.xtc2` (spec xtc2.md, section 14). */

import { basename, dirname, join } from 'node:path';
import type { Dgram } from '../xtc/dgram.ts';
import { SERVICE } from '../xtc/service.ts';
import type { Walker } from '../xtc/walk.ts';
import { IN_PROGRESS } from './follow.ts';

const CHUNK = /-c(\d{3,})(?=\.|$)/;

/** True if `next` is the chunk that follows `previous` of the same stream. */
export function continuesChunk(previous: string, next: string): boolean {
  const [before, after] = [finalName(previous), finalName(next)];
  const a = CHUNK.exec(before);
  const b = CHUNK.exec(after);
  if (!a || !b || Number(b[1]) !== Number(a[1]) + 1) return false;
  return before.replace(CHUNK, '') === after.replace(CHUNK, '');
}

function finalName(path: string): string {
  return basename(path, IN_PROGRESS);
}

/**
 * The file that an Enable announces as the next chunk, beside the current one; undefined if it announces none.
 * The file name inside may be a full path of another machine, so only its last part counts.
 */
export function announcedChunk(dgram: Dgram, walker: Walker, current: string): string | undefined {
  if (dgram.service !== SERVICE.Enable || !dgram.whole) return undefined;
  let name: string | undefined;
  walker.look(dgram, {
    data: (block) => {
      if (block.names.detName !== 'chunkinfo') return;
      const field = block.names.fields.find((field) => field.name === 'filename');
      if (field && field.index < block.count) name = block.string(field.index);
    },
  });
  if (name === undefined || name === '') return undefined;
  const announced = join(dirname(current), basename(name));
  return announced === current || `${announced}${IN_PROGRESS}` === current ? undefined : announced;
}
