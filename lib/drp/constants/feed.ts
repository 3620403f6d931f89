/**
 * `--calib`: subscribes to a publisher of calibration constants at the start, and gives every run its own before any worker begins it
 * (spec calib-pub.md, section 4; drp-python.md, section 2.5).
 */

import { Subscriber } from 'zeromq';
import { DataError } from '../../errors.ts';
import { parseZmqUrl, type ZmqAddress } from '../../stream/zmq/address.ts';
import { attach, KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import type { Dgram } from '../../xtc/dgram.ts';
import { type RunInfo, readRunInfo } from '../../xtc/run-info.ts';
import { SERVICE } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';
import { Arrivals } from './arrivals.ts';
import type { CalibCounters } from './calib-counters.ts';
import { readAnnouncement, runName, TOPIC } from './header.ts';
import { type ConstantsSet, placeSet } from './set-file.ts';
import { NOTHING_TOLD, type Told } from './told.ts';

/** Messages that may wait unread; a publisher disconnects whoever leaves more. */
const WAITING_MESSAGES = 4;
/** Most bytes of text that a slot has for what workers are told. */
const SENTENCE = 180;

export interface FeedOptions {
  /** `ipc://PATH` or `tcp://HOST:PORT`. */
  endpoint: string;
  /** What a run without constants does. */
  missing: 'error' | 'warn';
  /** Milliseconds to wait for the constants of a run. */
  timeout: number;
  counters: CalibCounters;
  /** Ends waiting. */
  stop: AbortSignal;
  say: (message: string) => void;
}

export class ConstantsFeed {
  /** For the run that begins next or is under way. */
  told: Told = NOTHING_TOLD;
  private readonly options: FeedOptions;
  private readonly address: ZmqAddress;
  private socket: Subscriber | undefined;
  private readonly arrivals = new Arrivals<ConstantsSet>();
  private readonly walker = new Walker();
  private current: ConstantsSet | undefined;
  private wake = () => {};
  private failure: Error | undefined;
  private listening: Promise<void> = Promise.resolve();
  private saidWithoutRun = false;
  /** Why the last message could not be used. */
  private lastRefusal = '';

  /** @throws UsageError if the endpoint is none */
  constructor(options: FeedOptions) {
    this.options = options;
    this.address = parseZmqUrl(`zmq+${options.endpoint}?type=sub`, 'source');
  }

  /** From now on nothing that is published is missed; the publisher may come later. */
  async subscribe(): Promise<void> {
    const { ipv6 } = this.address;
    const socket = new Subscriber({ linger: 0, receiveHighWaterMark: WAITING_MESSAGES, ipv6, ...KEEP_ALIVE });
    this.socket = socket;
    socket.subscribe(TOPIC);
    await attach(socket, this.address);
    this.listening = this.listen(socket);
  }

  /**
   * Sees every transition before the workers do; at BeginRun it waits until the constants of that run are there.
   * @returns false if a stop was asked for meanwhile
   * @throws DataError `no-constants` if they do not come in time and that is an error
   */
  async prepare(dgram: Dgram): Promise<boolean> {
    const wanted = this.runOf(dgram);
    if (dgram.service !== SERVICE.BeginRun) return true;
    const { stop } = this.options;
    const found = await this.await(wanted);
    if (stop.aborted) return false;
    if (found) await this.use(found, wanted);
    else await this.goWithout(wanted);
    return true;
  }

  /** Works twice. */
  async close(): Promise<void> {
    if (this.socket?.closed === false) this.socket.close();
    await this.listening;
    const left = this.arrivals.clear();
    this.options.counters.unused += left.filter((set) => set !== this.current).length;
    this.current = undefined;
    await Promise.all(left.map((set) => set.close()));
  }

  private async listen(socket: Subscriber): Promise<void> {
    try {
      for await (const frames of socket) await this.arrived(frames);
    } catch (error) {
      if (socket.closed) return;
      this.failure = error as Error;
      this.wake();
    }
  }

  private async arrived(frames: Buffer[]): Promise<void> {
    const { counters, say, endpoint } = this.options;
    counters.received++;
    try {
      const announced = readAnnouncement(frames);
      if (this.arrivals.isRepeat(announced)) {
        counters.duplicate++;
        return;
      }
      await this.retire(this.arrivals.add(await placeSet(announced, frames)));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      counters.refused++;
      this.lastRefusal = error.message;
      say(`constants from ${endpoint} cannot be used: ${error.message}`);
    }
    this.wake();
  }

  /** To be shown every Configure and BeginRun. */
  private runOf(dgram: Dgram): RunInfo {
    if (dgram.service === SERVICE.Configure) this.walker.walk(dgram, {});
    return readRunInfo(dgram, this.walker);
  }

  private async await(wanted: RunInfo): Promise<ReturnType<Arrivals<ConstantsSet>['take']>> {
    const { timeout, stop } = this.options;
    const deadline = performance.now() + timeout;
    for (;;) {
      if (this.failure) throw this.failure;
      const found = this.arrivals.take(wanted);
      const left = deadline - performance.now();
      if (found || stop.aborted || left <= 0) return found;
      await new Promise<void>((resolve) => {
        const go = () => {
          clearTimeout(timer);
          stop.removeEventListener('abort', go);
          resolve();
        };
        const timer = setTimeout(go, left);
        stop.addEventListener('abort', go);
        this.wake = go;
      });
    }
  }

  private async use({ set, passed }: { set: ConstantsSet; passed: ConstantsSet[] }, wanted: RunInfo): Promise<void> {
    const { counters, say, endpoint } = this.options;
    if (wanted.run === undefined && !this.saidWithoutRun) {
      this.saidWithoutRun = true;
      say(`the input does not say its run number: it gets the newest constants, those of ${runName(set)}`);
    }
    if (set !== this.current) {
      counters.used++;
      if (set.stale) {
        counters.stale++;
        say(`the constants of ${runName(set)} from ${endpoint} are stale: the last ones that the publisher had`);
      }
    }
    const before = this.current;
    this.current = set;
    this.told = { text: set.told, check: Number.parseInt(set.hash.slice(0, 8), 16) };
    await this.retire(passed, before);
  }

  private async goWithout(wanted: RunInfo): Promise<void> {
    const { counters, missing, endpoint, timeout, say } = this.options;
    const { newest } = this.arrivals;
    const came = this.lastRefusal || (newest ? `what came last was for ${runName(newest)}` : 'nothing came at all');
    const words = `no constants for ${runName(wanted)} came from ${endpoint} within ${timeout / 1000} s; ${came}`;
    if (missing === 'error') throw new DataError('no-constants', words);
    counters.missing++;
    say(`${words}; the run goes on without`);
    this.told = { text: JSON.stringify({ none: words.slice(0, SENTENCE) }), check: 0 };
  }

  /** Sets that nobody will get any more. */
  private async retire(sets: ConstantsSet[], used = this.current): Promise<void> {
    this.options.counters.unused += sets.filter((set) => set !== used).length;
    await Promise.all(sets.map((set) => set.close()));
  }
}
