/** Records shown as the flags say: as lines, as pictures, on a screen, in a file. */

import { setImmediate } from 'node:timers/promises';
import { colour } from '../../cli/colour.ts';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import { loadScreen } from '../../cli/load-screen.ts';
import type { Output } from '../../cli/output.ts';
import type { FullScreen } from '../../cli/screen/full-screen.ts';
import { openKeys } from '../../cli/screen/keys.ts';
import { isAttended } from '../../cli/terminal.ts';
import { UsageError } from '../../errors.ts';
import { frameOf } from '../plot/frame.ts';
import { Gallery } from '../plot/gallery.ts';
import type { HeartbeatRecord } from '../run/global-side.ts';
import type { PlotScreenOptions } from '../screens/plots.tsx';
import { SnapshotFile } from '../snapshot/file.ts';
import type { ResultValues } from './flags.ts';
import { Names } from './names.ts';
import { type GraphInForce, Results } from './results.ts';

export interface ShowOptions {
  readonly out: Output;
  readonly lifecycle: Lifecycle;
  readonly say: (message: string) => void;
}

interface ScreenModule {
  openPlotScreen(options: PlotScreenOptions): FullScreen;
}

/** The screen gets a turn so often while records come as fast as they can, milliseconds. */
const SCREEN_TURN_MS = 50;

export class Show {
  readonly #options: ShowOptions;
  readonly #names: Names;
  readonly #flags: ResultValues;
  readonly #results: Results;
  readonly #gallery: Gallery;
  readonly #onScreen: boolean;
  #closeScreen: (() => void) | undefined;
  #over = false;
  #turned = 0;

  private constructor(flags: ResultValues, snapshot: SnapshotFile | undefined, options: ShowOptions) {
    this.#flags = flags;
    this.#options = options;
    this.#names = new Names(flags.names ?? []);
    this.#onScreen = flags.plot && isAttended(process.stdout);
    this.#gallery = new Gallery((scene) => frameOf(scene, terminalSize(), colour));
    const pictures = flags.plot || flags.format === 'plot';
    this.#results = new Results({
      names: this.#names,
      format: pictures ? 'plot' : (flags.format as 'text' | 'jsonl'),
      every: flags.every,
      last: flags.last || flags.plot,
      quiet: this.#onScreen,
      snapshot,
      pictures: pictures ? this.#gallery : undefined,
      line: (text) => options.out.line(text),
      colour,
    });
  }

  /** @throws UsageError if flags do not fit together, DaqError `output-failed` if the snapshot cannot be written */
  static async open(flags: ResultValues, options: ShowOptions): Promise<Show> {
    if (flags.plot && flags.format === 'jsonl') throw new UsageError('give either --plot or --format jsonl');
    const { snapshot: name, 'snapshot-every': every } = flags;
    const snapshot = name === undefined ? undefined : await SnapshotFile.open({ name, every, say: options.say });
    return new Show(flags, snapshot, options);
  }

  /** Before the first record, if the outputs are known. @throws UsageError if some that are asked for are none */
  expect(outputs: readonly string[]): void {
    this.#names.check(outputs);
    const chosen = outputs.filter((name) => this.#names.has(name));
    if (this.#flags.snapshot?.toLowerCase().endsWith('.npy') && chosen.length !== 1)
      throw new UsageError(
        `.npy holds one output, and there are ${chosen.length}: choose one with --names, or write .npz`,
      );
  }

  /** Takes the terminal over, if there is one and it is asked for. */
  async start(): Promise<void> {
    if (!this.#onScreen) return;
    const { lifecycle } = this.#options;
    const { openPlotScreen } = await loadScreen<ScreenModule>('plots');
    const keys = openKeys();
    const screen = openPlotScreen({
      view: () => ({ scene: this.#gallery.scene(), over: this.#over }),
      onQuit: () => lifecycle.requestStop(),
      onInterrupt: () => process.kill(process.pid, 'SIGINT'),
      stdout: process.stdout,
      stdin: keys?.stream,
    });
    const forget = lifecycle.onEmergency(() => this.close());
    this.#closeScreen = () => {
      forget();
      screen.close();
      keys?.close();
    };
  }

  readonly add = (record: HeartbeatRecord, inForce: GraphInForce): void => this.#results.add(record, inForce);

  /** Sends what was printed, or lets the screen draw. */
  readonly drain = (): Promise<void> | undefined => {
    if (!this.#onScreen) return this.#options.out.drain();
    const now = performance.now();
    if (now - this.#turned < SCREEN_TURN_MS) return undefined;
    this.#turned = now;
    return setImmediate();
  };

  /** Nothing comes any more. A screen keeps its last picture until somebody wants to go. */
  async finish(): Promise<void> {
    this.#results.end();
    await this.#options.out.drain();
    this.#over = true;
    const { stop } = this.#options.lifecycle;
    if (this.#onScreen && !stop.aborted)
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    this.close();
  }

  /** Gives the terminal back. Works any number of times. */
  close(): void {
    this.#closeScreen?.();
    this.#closeScreen = undefined;
  }

  /** Snapshots that could not be written. */
  get failed(): number {
    return this.#results.failed;
  }
}

/** Of the terminal, or what the environment says of the one that is behind a pipe. */
function terminalSize() {
  const { COLUMNS, LINES } = process.env;
  const size = (known: number | undefined, told: string | undefined, usual: number) =>
    known || Math.min(1000, Math.max(1, Number(told) || usual));
  const { stdout } = process;
  // One row is left for the next prompt.
  return { columns: size(stdout.columns, COLUMNS, 80), rows: size(stdout.rows, LINES, 24) - 1 };
}
