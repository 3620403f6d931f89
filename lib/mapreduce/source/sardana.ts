/** sardana: records that a scan posts over HTTP (spec mapreduce.md 7). A message is the path and the body. */

import { type Header, headerOf } from './json.ts';
import { BAD, frames, type Mark, type Protocol, SKIPPED } from './types.ts';

const TYP = 'sardana';

interface Endpoint {
  readonly mark: Mark;
  readonly type: string;
  readonly fits: (body: Header) => boolean;
}

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map([
  [
    '/v1/data_desc',
    {
      mark: 'start' as const,
      type: 'DataDescription',
      fits: ({ serialno, scandir, title }: Header) =>
        Number.isSafeInteger(serialno) && typeof scandir === 'string' && typeof title === 'string',
    },
  ],
  [
    '/v1/record_data',
    {
      mark: 'data' as const,
      type: 'RecordData',
      fits: ({ timestamp }: Header) => typeof timestamp === 'number',
    },
  ],
  ['/v1/record_end', { mark: 'end' as const, type: 'RecordEnd', fits: () => true }],
]);

/** Taken and forgotten. */
const CUSTOM_DATA = '/v1/custom_data';

/** True for a path that takes a body. */
export function isSardanaPath(path: string): boolean {
  return path === CUSTOM_DATA || ENDPOINTS.has(path);
}

/** Whether a body is what its path wants. */
export function isSardanaBody(path: string, body: Buffer): boolean {
  const header = headerOf(body);
  if (header === undefined) return false;
  const endpoint = ENDPOINTS.get(path);
  if (endpoint === undefined) return path === CUSTOM_DATA;
  return (header.type === undefined || header.type === endpoint.type) && endpoint.fits(header);
}

export const sardana = (): Protocol => ({
  read([path, body]) {
    const name = path?.toString() ?? '';
    if (body === undefined || !isSardanaBody(name, body)) return BAD;
    const endpoint = ENDPOINTS.get(name);
    if (endpoint === undefined) return SKIPPED;
    return frames({ typ: TYP, frames: [withType(body, endpoint.type)], mark: endpoint.mark });
  },
  forget() {},
});

/** Readers tell the records by their type, which senders may leave to the path. */
function withType(body: Buffer, type: string): Buffer {
  const header = headerOf(body);
  if (header?.type !== undefined) return body;
  const rest = body.subarray(body.indexOf('{') + 1);
  const comma = Object.keys(header ?? {}).length > 0 ? ',' : '';
  return Buffer.concat([Buffer.from(`{"type":"${type}"${comma}`), rest]);
}
