/** Makes `shm:TAG` a stream that can be read (docs/streams.md). Commands call this; the rest is loaded when such a stream is opened. */

import { registerScheme } from '../stream/open.ts';

export function registerLive(): void {
  registerScheme('shm', {
    form: 'shm:TAG',
    source: async (url, options) => (await import('./client/source.ts')).openLiveSource(url, options),
  });
}
