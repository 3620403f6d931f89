import { DaqError } from '../../errors.ts';
import type { Registry } from '../redis/registry.ts';
import { Fence } from './fence.ts';

const LOCK_RETRY_MS = 500;

export interface LockOptions {
  readonly registry: Registry;
  /** Seconds. */
  readonly lockWait: number;
  readonly stop: AbortSignal;
  say(message: string): void;
}

/**
 * Waits for the lock.
 * @throws DaqError `already-served` if another controller keeps it for `lockWait` seconds, or `stop` aborts
 */
export async function takeLock({ registry, lockWait, stop, say }: LockOptions): Promise<Fence> {
  const deadline = performance.now() + lockWait * 1000;
  for (let tries = 0; ; tries++) {
    const fence = await Fence.take(registry.redis, registry.keys);
    if (fence) return fence;
    if (tries === 0) say('another controller has the lock; waiting for it');
    if (stop.aborted) throw new DaqError('already-served', 'stopped while another controller has the lock');
    if (performance.now() >= deadline)
      throw new DaqError('already-served', `another controller has kept the lock for ${lockWait} s`);
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}
