/** A local collector as a process: it merges the answers of its workers and passes one on for each heartbeat. */

import { Push } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import type { Answer } from '../run/answer.ts';
import type { Contributor } from '../run/collector.ts';
import { LocalSide } from '../run/local-side.ts';
import type { FailureReport } from '../run/worker.ts';
import {
  type Beginning,
  CollectorProcess,
  type CollectorProcessOptions,
  type GatheringFactory,
} from './collector-process.ts';
import { connectable } from './endpoints.ts';
import type { Gathering } from './gathering.ts';
import { type MembersMessage, type Message, writeMessage } from './messages.ts';
import { Outbox } from './outbox.ts';

/** Answers that may wait for the global collector in the socket; behind them they wait here. */
const ANSWERS_WAITING = 4;
const LINGER_MS = 2000;

export class LocalProcess extends CollectorProcess {
  protected readonly patience = 1;
  readonly #push = new Push({ sendHighWaterMark: ANSWERS_WAITING, linger: LINGER_MS, ...KEEP_ALIVE });
  readonly #outbox = new Outbox<Message>(async (message) => {
    await this.#push.send(writeMessage(message)).catch((error: unknown) => {
      if (!this.#push.closed) throw error;
    });
  });
  readonly #onFailure: (report: FailureReport) => void;
  #connected = '';
  /** Events in what was passed on. */
  included = 0;
  heartbeats = 0;

  constructor(options: CollectorProcessOptions, onFailure: (report: FailureReport) => void) {
    super(options);
    this.#onFailure = onFailure;
  }

  /** Answers that the global collector has not taken. */
  get unsent(): number {
    return this.#outbox.length;
  }

  protected begin({ graph, closed, run }: Beginning, gather: GatheringFactory): Gathering {
    const side = new LocalSide(graph, run, this.#onFailure);
    return gather(
      {
        change: (changed, from) => side.change(changed, from),
        transition: (name, after) => side.transition(name, after),
        close: (closing) => this.#pass(side.close(closing)),
      },
      closed,
      run,
    );
  }

  #pass(answer: Answer): void {
    this.heartbeats++;
    for (const events of answer.included.values()) this.included += events;
    this.#outbox.post({ kind: 'answer', sender: this.options.id, answer });
  }

  protected contributors(locals: MembersMessage['locals']): readonly Contributor[] {
    return (locals.get(this.options.id) ?? []).map((worker) => ({ id: worker, workers: [worker] }));
  }

  protected isContributor(worker: number): boolean {
    if (!this.terms) return true;
    const { workers, collectors } = this.terms;
    return worker < workers && Math.floor((worker * collectors) / workers) === this.options.id;
  }

  protected override moved(endpoint: string): void {
    if (endpoint === this.#connected || endpoint === '') return;
    if (this.#connected !== '') this.#push.disconnect(connectable(this.#connected));
    this.#push.connect(connectable(endpoint));
    this.#connected = endpoint;
  }

  protected async flush(): Promise<void> {}

  protected async finish(): Promise<void> {
    this.#outbox.post({ kind: 'last', sender: this.options.id });
    const patience = setTimeout(() => this.#push.close(), LINGER_MS);
    await this.#outbox.drained();
    clearTimeout(patience);
    this.#push.close();
  }
}
