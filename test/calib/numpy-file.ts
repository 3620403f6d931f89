/** Files of constants for tests: real .npy files in a folder that goes away with the test. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { type Dtype, npyHeader } from '../../lib/npy.ts';

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'calib-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function put(folder: string, path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** A .npy file of six elements, 2 x 3, all of one value. */
export function sixOf(dtype: Extract<Dtype, '<f4' | '|u1'>, value: number): Buffer {
  const contents = dtype === '|u1' ? Buffer.alloc(6, value) : Buffer.from(new Float32Array(6).fill(value).buffer);
  return Buffer.concat([npyHeader(dtype, [2, 3]), contents]);
}

/** Pedestals of three run ranges, a geometry with a document, and an own mask: what most tests need. */
export function usualFolder(t: Test): string {
  const folder = temporaryFolder(t);
  put(folder, 'epix/pedestals.npy', sixOf('<f4', 1));
  put(folder, 'epix/pedestals@5-9.npy', sixOf('<f4', 6));
  put(folder, 'epix/geometry.txt', '# x y z µm\n');
  put(
    folder,
    'epix/geometry.doc.json',
    '{"version": 1.0, "n": 12345678901234567890, "when": {"a": [1, 2.5, null, true]}}',
  );
  put(folder, 'epix/own/pixel_mask.npy', sixOf('|u1', 3));
  put(folder, 'epix/own/pedestals.npy', sixOf('<f4', 9));
  return folder;
}
