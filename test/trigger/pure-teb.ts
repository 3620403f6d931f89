/** The pure core of teb-decide without processes: builder, value rule, dealer; contributions in, decision lines out. */

import type { BuiltEvent } from '../../lib/trigger/building/built-event.ts';
import { Contracts } from '../../lib/trigger/building/contracts.ts';
import { EventBuilder } from '../../lib/trigger/building/event-builder.ts';
import type { EventBuilderOptions } from '../../lib/trigger/building/options.ts';
import { MonitorDealer } from '../../lib/trigger/dealing/monitor-dealer.ts';
import { EventBatch } from '../../lib/trigger/decide/batch.ts';
import { RuleDecider } from '../../lib/trigger/decide/rule.ts';
import type { DecisionLine, TriggerConfig, Verdict } from '../../lib/trigger/types.ts';
import type { EbDgram } from '../../lib/trigger/wire/eb-dgram.ts';
import { decisionOf } from '../../lib/trigger/wire/json-lines.ts';
import { DATA } from '../../lib/trigger/wire/layout.ts';
import { monitorOf } from '../../lib/trigger/wire/result.ts';

const SERVICE_CONFIGURE = 2;

export class PureTeb {
  readonly builder: EventBuilder;
  readonly dealer: MonitorDealer;
  readonly lines: DecisionLine[] = [];
  private readonly rule: RuleDecider;
  private readonly batch: EventBatch;
  private readonly perBatch: number;
  private taken: BuiltEvent[] = [];

  /** @param perBatch events that are decided together */
  constructor(config: TriggerConfig, perBatch = 1, options: EventBuilderOptions = {}) {
    this.builder = new EventBuilder(new Contracts(config), { skewTicks: config.skewTicks, timeoutMs: 1e9, ...options });
    this.dealer = new MonitorDealer(config);
    const { trigger } = config;
    if (trigger?.kind !== 'value') throw new TypeError('the value trigger only');
    const setup = { common: config.common, id: 0, drps: config.drps, mebs: config.mebs };
    this.rule = new RuleDecider(setup, 'record', `value:${trigger.persistValue},${trigger.monitorValue}`);
    this.perBatch = perBatch;
    this.batch = new EventBatch(perBatch);
  }

  contribute(record: EbDgram, now = 0): Verdict {
    const verdict = this.builder.contribute(record, now);
    this.decide(false);
    return verdict;
  }

  /** The end of all inputs. */
  end(now = 0): void {
    this.builder.endAll(now);
    this.decide(true);
  }

  private decide(everything: boolean): void {
    for (let event = this.builder.next(); event !== undefined; event = this.builder.next()) {
      this.taken.push(event);
      if (this.taken.length === this.perBatch) this.flush();
    }
    if (everything) this.flush();
  }

  private flush(): void {
    const { batch, taken } = this;
    batch.reset();
    for (const event of taken) if (event.isL1) batch.add(event);
    // The rule answers at once; the promise only says so.
    void this.rule.decide(batch);
    let answer = 0;
    for (const event of taken) this.publish(event, event.isL1 ? batch.data[answer++]! : 0);
    this.builder.release(taken.length);
    this.taken = [];
  }

  private publish(event: BuiltEvent, answer: number): void {
    if (event.service === SERVICE_CONFIGURE) this.dealer.configure();
    let data = event.isL1 && event.keep ? answer | DATA.prescale : answer;
    const monBufNo = this.dealer.deal(event.pid, event.rogs, monitorOf(data));
    if (monBufNo === 0) data &= ~DATA.monitor;
    this.lines.push(decisionOf(event, { data, monBufNo, damage: event.damage, flags: 0 }));
  }
}
