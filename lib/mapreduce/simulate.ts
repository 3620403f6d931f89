/** `map-control --simulate`: a case file played through the assigner (spec mapreduce.md 4). */

import { DataError, InputError } from '../errors.ts';
import { type Ordered, orderedJson } from '../json/ordered.ts';
import { Assigner } from './assign/assigner.ts';
import { SHARE_STATES } from './assign/ledger.ts';
import type { Again, AssignerOptions, Assignment, Outcome } from './assign/types.ts';
import { checkMap, streamsOf } from './map/check.ts';
import { checkSequence, readMap, readParts, samePart } from './map/read.ts';
import { MapRefused, type TriggerMap } from './map/types.ts';

type Section = ReadonlyMap<string, Ordered>;

export interface SimulationResult {
  /** Lines as values, in order. */
  readonly lines: readonly object[];
  /** 0 finished undamaged, 3 damaged or not finished, 1 a post was rejected. */
  readonly status: 0 | 1 | 3;
}

/** Plays a case. @throws InputError if it cannot be read */
export function simulateCase(text: Buffer, file: string): SimulationResult {
  let document: Ordered;
  try {
    document = orderedJson(text);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new InputError(error.message, { place: { file, ...error.place }, cause: error });
  }
  if (!(document instanceof Map)) throw new InputError('a case is an object', { place: { file } });
  return new Simulation(document, file).play();
}

class Simulation {
  readonly #case: Section;
  readonly #file: string;
  readonly #workers = new Map<string, readonly string[]>();
  readonly #lines: object[] = [];
  #assigner: Assigner | undefined;
  #map: TriggerMap | undefined;
  #streams: ReadonlySet<string> = new Set();
  #rejected = false;

  constructor(document: Section, file: string) {
    this.#case = document;
    this.#file = file;
  }

  play(): SimulationResult {
    const ops = this.#case.get('ops');
    if (!Array.isArray(ops)) throw new InputError('a case has a list of ops', { place: { file: this.#file } });
    for (const [number, op] of (ops as readonly Ordered[]).entries()) {
      if (!(op instanceof Map)) throw new InputError(`op ${number} is no object`, { place: { file: this.#file } });
      this.#perform(number, op);
    }
    const assigner = this.#assigner;
    this.#lines.push({ summary: assigner ? summaryOf(assigner) : { posted: false } });
    const clean = assigner?.finished && assigner.ledger.damaged.length === 0;
    return { lines: this.#lines, status: this.#rejected ? 1 : clean ? 0 : 3 };
  }

  #perform(number: number, op: Section): void {
    const kind = String(op.get('op'));
    const before = this.#assigner;
    if (kind === 'worker') this.#join(op);
    else if (kind === 'post') this.#accept(number, () => this.#post());
    else if (kind === 'append' || kind === 'close') {
      if (before) this.#accept(number, () => (kind === 'append' ? this.#append(op, before) : this.#close(before)));
    } else if (before && !before.finished) this.#operate(kind, op, before);
    if (this.#assigner) this.#report(number, this.#assigner.takeOutcome());
  }

  #join(op: Section): void {
    const name = String(op.get('worker'));
    const tags = (op.get('tags') ?? ['generic']) as readonly string[];
    this.#workers.set(name, tags);
    this.#assigner?.join(name, tags);
  }

  #accept(number: number, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof MapRefused)) throw error;
      this.#rejected = true;
      this.#lines.push({ op: number, rejected: error.code });
    }
  }

  #post(): void {
    const json = this.#case.get('map') ?? null;
    const map = readMap(json);
    const available = this.#case.get('available');
    checkMap(map, {
      streams: Array.isArray(available) ? new Set(available as string[]) : undefined,
      workers: [...this.#workers.values()].map((tags) => new Set(tags)),
    });
    const wrap = (json as Section).get('all_wrap') !== false;
    const assigner = new Assigner(map, { ...this.#options(), wrap });
    for (const [name, tags] of this.#workers) assigner.join(name, tags);
    this.#map = map;
    this.#streams = streamsOf(map);
    this.#assigner = assigner;
  }

  #options(): Omit<AssignerOptions, 'wrap'> {
    const redo = this.#case.get('redo') === 'group' ? 'group' : 'rest';
    return { depth: Number(this.#case.get('depth') ?? 1), future: Number(this.#case.get('future') ?? 10000), redo };
  }

  #append(op: Section, assigner: Assigner): void {
    if (assigner.finished) throw new MapRefused('finished', 'the map is finished');
    if (!assigner.open) throw new MapRefused('closed', 'the map is closed');
    const parts = readParts(op.get('parts') ?? new Map());
    for (const part of parts.values()) {
      const old = assigner.parts.get(part.name);
      if (old && !samePart(old, part))
        throw new MapRefused('part-differs', `part ${part.name} exists with another content`);
    }
    for (const stream of streamsOf({ parts, streams: [] })) {
      if (!this.#streams.has(stream))
        throw new MapRefused('streams', `stream ${stream} was not declared when the map was posted`);
    }
    const sequence = (op.get('sequence') ?? []) as readonly string[];
    checkSequence(sequence, new Map([...assigner.parts, ...parts]));
    assigner.append(parts, sequence);
  }

  #close(assigner: Assigner): void {
    if (assigner.finished) return;
    if (!assigner.open) throw new MapRefused('closed', 'the map is closed');
    assigner.close();
  }

  #operate(kind: string, op: Section, assigner: Assigner): void {
    const worker = String(op.get('worker'));
    switch (kind) {
      case 'ready':
        return assigner.report(worker, [], []);
      case 'idle':
        return assigner.report(
          worker,
          (op.get('completed') ?? []) as readonly number[],
          (op.get('has_result') ?? []) as readonly boolean[],
        );
      case 'result':
        return assigner.result(Number(op.get('event')), String(op.get('origin') ?? worker));
      case 'gone':
        this.#workers.delete(worker);
        return assigner.gone(worker);
      case 'grace':
        return assigner.grace(worker);
      case 'evict':
        return assigner.evict(Number(op.get('through')));
      case 'stop':
        return assigner.stop();
      case 'crash':
        this.#assigner = this.#crash(assigner);
        return;
      default:
        throw new InputError(`there is no operation "${kind}"`, { place: { file: this.#file } });
    }
  }

  /** The state as text, and a new assigner from it. */
  #crash(assigner: Assigner): Assigner {
    const text = JSON.stringify(assigner.save());
    const map = { ...(this.#map as TriggerMap), parts: assigner.parts };
    return Assigner.restore(map, assigner.options, JSON.parse(text));
  }

  #report(op: number, { assign, again, lost, complete, finished }: Outcome): void {
    if (assign.length > 0) this.#lines.push({ op, assign: assign.map(plain) });
    if (again.length > 0) this.#lines.push({ op, again: again.map(plain) });
    if (lost.length > 0) this.#lines.push({ op, lost });
    if (complete.length > 0) this.#lines.push({ op, complete });
    if (finished) this.#lines.push({ op, finished });
  }
}

function plain(given: Assignment | Again): object {
  return { ...given, assignments: Object.fromEntries(given.assignments) };
}

/** The last line of a simulation. */
function summaryOf(assigner: Assigner): object {
  const { ledger, events, workers } = assigner;
  return {
    total: events.total,
    published: assigner.front,
    complete: ledger.complete,
    damaged: [...ledger.damaged].sort((a, b) => a - b),
    shares: Object.fromEntries(SHARE_STATES.map((state) => [state, ledger.counts[state]])),
    results_outstanding: ledger.outstanding.map(({ event, origin }) => [event, origin]),
    duplicates: ledger.duplicates,
    stray: workers.stray,
    waiting: workers.waiting.map(({ name }) => name),
    open: assigner.open,
    finished: assigner.finished,
  };
}
