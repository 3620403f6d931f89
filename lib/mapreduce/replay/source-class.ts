/** A user's class as the source of a replay: `get_source_generators()` gives generators of messages. It runs in a Python process. */

import { PythonChild, type PythonOptions } from '../payload/python-child.ts';
import { streamsIn } from '../payload/python-host.ts';
import type { RecordedEvent } from '../record/event-item.ts';
import type { Source } from './merge.ts';

export class SourceClass {
  readonly #child: PythonChild;
  readonly #path: string;

  /** @param options of the process; its class is the source */
  constructor(options: PythonOptions) {
    this.#child = new PythonChild(options);
    this.#path = options.path;
  }

  /** One source per generator. @throws PayloadFailed, ChildGone */
  async sources(): Promise<readonly Source[]> {
    await this.#child.facts;
    const { head } = await this.#child.ask({ do: 'generators' });
    return Array.from({ length: Number(head.count) }, (_, generator) => ({
      name: `${this.#path} ${generator}`,
      [Symbol.asyncIterator]: () => this.#messages(generator),
    }));
  }

  async *#messages(generator: number): AsyncGenerator<RecordedEvent> {
    for (;;) {
      const answer = await this.#child.ask({ do: 'next', generator });
      if (answer.head.end === true) return;
      yield { event_number: Number(answer.head.event), streams: streamsIn(answer), created_at: undefined };
    }
  }

  close(): Promise<void> {
    return this.#child.close();
  }
}
