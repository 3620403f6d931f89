/** A message of constants for people, and as JSON. */

import { tableLines } from '../../cli/table.ts';
import type { ReceivedConstant, ReceivedPickle, ReceivedSet } from './received.ts';

const SHORT_HASH = 12;

export function messageLines(message: ReceivedSet | ReceivedPickle): string[] {
  if (message.format !== 'npy-frames') {
    const { format, protocol, bytes, sha256 } = message;
    return [`${format}, protocol ${protocol}, ${bytes} bytes, sha256 ${sha256}`];
  }
  const { exp, run, stale, hash, segment, detectors, constants } = message;
  const empty = detectors.filter((name) => !constants.some(({ detector }) => detector === name));
  return [
    `run ${run}${exp === undefined ? ', without experiment' : ` of ${exp}`}${stale ? ', STALE: constants of an earlier run' : ''}`,
    ...(constants.length === 0 ? [] : table(constants)),
    ...empty.map((name) => `${name} has no constants`),
    `hash ${hash}${segment === undefined ? '' : `, in shared memory ${segment}`}`,
  ];
}

function table(constants: readonly ReceivedConstant[]): string[] {
  return tableLines(
    [
      { title: 'detector' },
      { title: 'constant' },
      { title: 'kind' },
      { title: 'dtype' },
      { title: 'shape' },
      { title: 'bytes', align: 'right' },
      { title: 'sha256' },
    ],
    constants.map(({ detector, ctype, kind, dtype = '', shape, data, sha256 }) => [
      detector,
      ctype,
      kind,
      dtype,
      shape === undefined ? '' : `(${shape.join(', ')})`,
      data.length,
      sha256.slice(0, SHORT_HASH),
    ]),
  );
}

/** One line. Documents are left out: `--save` writes them. */
export function messageJson(message: ReceivedSet | ReceivedPickle): string {
  if (message.format !== 'npy-frames') return JSON.stringify(message);
  const { constants, ...rest } = message;
  return JSON.stringify({
    ...rest,
    constants: constants.map(({ data, doc, ...constant }) => ({ ...constant, bytes: data.length })),
  });
}
