/** Which workers wait for nothing more of an event, for an ingester that begins amid a map (spec mapreduce.md 5.2). Pure. */

import { BadRecord, type Fields, fieldsOf, number, optionalText, parseFields, text } from '../redis/fields.ts';
import { reportsIn } from '../redis/log.ts';

export class Done {
  readonly byEvent = new Map<number, Set<string>>();

  #add(event: number, worker: string): void {
    const workers = this.byEvent.get(event);
    if (workers) workers.add(worker);
    else this.byEvent.set(event, new Set([worker]));
  }

  /** An entry of the log. What nobody understands is the controller's concern. */
  addEntry(data: string): void {
    orNothing(() => {
      for (const report of reportsIn(data)) {
        if (report.source !== 'worker') continue;
        for (const event of report.completed) this.#add(event, report.worker);
      }
    });
  }

  /** The controller's snapshot, null if there is none: events that are not complete, some of whose workers have reported. */
  addSnapshot(state: string | null): void {
    if (state === null) return;
    orNothing(() => {
      const formation = fieldsOf(parseFields(state, 'snapshot').formation, 'formation');
      for (const record of listOf(fieldsOf(formation.assigner, 'assigner'), 'records')) {
        const event = number(record, 'event', -1);
        for (const share of listOf(record, 'shares')) {
          const there = text(share, 'state');
          if (there === 'out' || there === 'orphan') continue;
          this.#add(event, text(share, 'origin'));
          const reporter = optionalText(share, 'reporter');
          if (reporter !== null) this.#add(event, reporter);
        }
      }
    });
  }
}

function listOf(fields: Fields, key: string): readonly Fields[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new BadRecord(`${key} is no list`);
  return value.map((item) => fieldsOf(item, key));
}

function orNothing(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof BadRecord)) throw error;
  }
}
