/**
 * `meb-route deal`: the dealing of monitor buffers as a filter on results (spec teb.md, sections 8.1 and 8.2), for a teb-decide that
 * passes wishes on (`--mon-deal no`).
 */

import type { Balance } from '../../cli/balance.ts';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import type { Output } from '../../cli/output.ts';
import { openSink, openStream } from '../../stream/open.ts';
import { SERVICE } from '../../xtc/service.ts';
import { MonitorDealer } from '../dealing/monitor-dealer.ts';
import { readFreeBuffers } from '../teb/free-buffers.ts';
import type { TriggerConfig } from '../types.ts';
import { mebOf } from '../wire/buffer-word.ts';
import { DATA, RESULT } from '../wire/layout.ts';
import { readRecords, type StreamEnd } from '../wire/read-records.ts';
import { ResultRecord } from '../wire/result.ts';

export interface DealOptions {
  in: string;
  out: string;
  monIn: string | undefined;
  fairGroups: boolean;
}

export interface DealParts {
  options: DealOptions;
  config: TriggerConfig;
  lifecycle: Lifecycle;
  stdout: Output;
  say: (text: string) => void;
}

export class DealFilter {
  private readonly parts: DealParts;
  private readonly dealer: MonitorDealer;
  private results = 0;
  private written = 0;
  private foreign = 0;
  private badWords = 0;

  constructor(parts: DealParts) {
    this.parts = parts;
    const { fairGroups, monIn } = parts.options;
    this.dealer = new MonitorDealer(parts.config, { fairGroups, announced: monIn !== undefined });
  }

  /** Runs until the results have ended. @returns how they did. @throws InputError, DaqError */
  async run(): Promise<StreamEnd> {
    const { options, lifecycle, say, stdout } = this.parts;
    const streams = { lifecycle, say, stdout, greeting: () => false };
    const [source, sink, free] = await Promise.all([
      openStream(options.in, streams),
      openSink(options.out, streams),
      options.monIn === undefined ? undefined : openStream(options.monIn, streams),
    ]);
    const stop = () => source.close();
    lifecycle.stop.addEventListener('abort', stop, { once: true });
    const record = new ResultRecord();
    try {
      if (free) {
        readFreeBuffers(
          free,
          (word) => this.dealer.free(word),
          () => this.badWords++,
        ).catch((error: unknown) => say(`${free.name}: ${(error as Error).message}`));
      }
      const end = await readRecords(source, record, {
        input: source.name,
        // Results are changed where they lie, and written from there.
        held: true,
        onRecord: () => {
          this.deal(record);
          sink.bytes(record.bytes());
        },
        onPause: async () => {
          await sink.drain();
          this.written = this.results;
        },
      });
      await sink.close();
      return end;
    } catch (error) {
      sink.abandon();
      throw error;
    } finally {
      lifecycle.stop.removeEventListener('abort', stop);
      free?.close();
      source.close();
    }
  }

  balance(): Balance {
    const { monitored, denied, doubleFree } = this.dealer.counts;
    return {
      in: this.results,
      out: this.written,
      losses: { waiting: this.results - this.written },
      info: {
        monitored: monitored.reduce((sum, count) => sum + count, 0),
        mon_denied: denied,
        double_free: doubleFree,
        bad_word: this.badWords + this.dealer.counts.foreign,
        bad_result: this.foreign,
      },
    };
  }

  summary(): Record<string, unknown> {
    const { monitored, denied } = this.dealer.counts;
    const { info } = this.balance();
    return { results: this.results, written: this.written, ...info, monitored, mon_denied: denied };
  }

  private deal(record: ResultRecord): void {
    this.results++;
    if (!record.isResult) {
      this.foreign++;
      return;
    }
    if (record.service === SERVICE.Configure) this.dealer.configure();
    if (record.monitor === 0 || !record.isL1) return;
    const { block, at, data } = record;
    const word = this.dealer.deal(record.pid, record.rogs, record.monitor);
    if (word === 0) block.writeUInt32LE((data & ~DATA.monitor) >>> 0, at + RESULT.data);
    else if (record.extended) block.writeUInt8(mebOf(word), at + RESULT.meb);
    block.writeUInt32LE(word, at + RESULT.monBufNo);
  }
}
