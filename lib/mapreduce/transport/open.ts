/** Which way a link goes: what the update says of the controller decides. */

import type { ControllerUpdate } from '../redis/updates.ts';
import { CreditsIngesterLink, CreditsReducerLink, CreditsWorkerLink } from './credit-links.ts';
import { type LinkSetup, StreamIngesterLink, StreamReducerLink, StreamWorkerLink } from './stream-links.ts';
import type { IngesterLink, Link, ReducerLink, WorkerLink } from './types.ts';

export type Setup = Omit<LinkSetup, 'map'> & { readonly update: ControllerUpdate };

function split({ update, ...rest }: Setup): {
  setup: LinkSetup;
  control: string | undefined;
  ours: boolean;
  ofMap: boolean;
} {
  return {
    setup: { ...rest, map: update.mapping_uuid },
    control: update.control ?? undefined,
    ours: update.impl === 'daqpipe',
    ofMap: update.active_streams.length > 0,
  };
}

/**
 * A worker's link for the map of an update. Later updates of the same map with another `control` go to `followController`.
 * @param ingesterOf which ingester serves a stream; asked only if the controller is the reference's
 */
export function openWorkerLink(options: Setup, ingesterOf: (stream: string) => string | undefined): WorkerLink {
  const { setup, control, ours, ofMap } = split(options);
  if (control !== undefined) return new CreditsWorkerLink({ ...setup, control, ofMap });
  return new StreamWorkerLink(setup, ours ? undefined : ingesterOf);
}

/** @param streams of this ingester */
export function openIngesterLink(options: Setup, streams: ReadonlySet<string>): IngesterLink {
  const { setup, control, ours, ofMap } = split(options);
  if (control !== undefined) return new CreditsIngesterLink({ ...setup, control, ofMap });
  return new StreamIngesterLink(setup, ours ? undefined : streams);
}

export function openReducerLink(options: Setup): ReducerLink {
  const { setup, control, ours, ofMap } = split(options);
  if (control !== undefined) return new CreditsReducerLink({ ...setup, control, ofMap });
  return new StreamReducerLink(setup, !ours);
}

/** The controller of a running map is another one: its update names another address. */
export function followController(link: Link, { control }: ControllerUpdate): void {
  if (control) link.moved?.(control);
}
