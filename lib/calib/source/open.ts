/** A source by what the user wrote: an address, a folder, or a bundle. */

import { statSync } from 'node:fs';
import { InputError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import { bundleSource } from './bundle.ts';
import { folderSource } from './folder.ts';
import type { ShelfSource } from './shelf-source.ts';
import type { ConstantSource } from './types.ts';
import { serviceUrl, type WebOptions, WebSource } from './web.ts';

/**
 * @param place `http://...`, a folder, a bundle; undefined for the service that the environment names
 * @throws InputError if there is no such file, UsageError if the address makes no sense
 */
export function openSource(
  place: string | undefined,
  web: Omit<WebOptions, 'url'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConstantSource {
  if (place !== undefined && !/^[a-z]+:\/\//i.test(place)) return openShelf(place);
  return new WebSource({ ...web, url: serviceUrl(place, env) });
}

/** @throws InputError if there is no such folder or file */
export function openShelf(path: string): ShelfSource {
  try {
    return statSync(path).isDirectory() ? folderSource(path) : bundleSource(path);
  } catch (error) {
    throw new InputError(explain(error), { place: { file: path }, cause: error });
  }
}
