/** Dgram streams in temporary files, for tests of whatever reads them. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DgramReader, type DgramReaderOptions } from '../../lib/stream/dgram-reader.ts';
import type { ByteSource } from '../../lib/stream/source.ts';
import type { Dgram } from '../../lib/xtc/dgram.ts';
import { CONFIGURE, data, dgram, names, shapesData, u32 } from '../xtc/raw.ts';

/** A folder of its own that vanishes with the test. */
export function temporaryFolder(t: { teardown(cleanUp: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file and gives its path. */
export function fileOf(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Ten dgrams of one DRP, from Configure to EndRun, without announcements. */
export function streamOf(node: number): Buffer {
  const id = node << 8;
  const events = Array.from({ length: 8 }, (_, i) => dgram({ nsec: i + 1, src: node }, shapesData([data(u32(i))], id)));
  const configure = dgram(
    { service: CONFIGURE, src: node },
    names([{ name: 'x', type: 2 }], { id, det: `det${node}` }),
  );
  return Buffer.concat([configure, ...events, dgram({ service: 5, nsec: 9, src: node })]);
}

/** Reads a source to its end. */
export async function readAll(
  source: ByteSource,
  use: (dgram: Dgram) => void,
  options: DgramReaderOptions = {},
): Promise<DgramReader> {
  const reader = new DgramReader(source, options);
  do {
    while (reader.next()) use(reader.dgram);
  } while (await reader.fill());
  reader.close();
  return reader;
}
