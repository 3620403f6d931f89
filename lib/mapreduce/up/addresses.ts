/** Where map-up itself finds the HTTP of the controller and of the reducer, by their command lines. Pure. */

import { parseAddress } from '../../cli/http-address.ts';
import { hereOf } from '../address/advertise.ts';

/** The last value of an option, which counts. */
export function option(words: readonly string[], name: string): string | undefined {
  const at = words.lastIndexOf(name);
  return (
    words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ??
    (at < 0 ? undefined : words[at + 1])
  );
}

/** @param words of map-control */
export function controlUrl(words: readonly string[]): string {
  return `http://${hereOf(option(words, '--bind') ?? '127.0.0.1')}:${option(words, '--port') ?? '5000'}`;
}

/** @param words of map-reduce. @throws UsageError */
export function resultsUrl(words: readonly string[]): string {
  const { host, port } = parseAddress(option(words, '--port') ?? '5001', 'map-reduce --port');
  return `http://${hereOf(host)}:${port}`;
}
