/** One line on a terminal that says how far the scan is; nothing where nobody looks. */

import { isAttended } from '../../cli/terminal.ts';

const CLEAR = '\r\x1b[K';

export class UpProgressLine {
  readonly #terminal: NodeJS.WriteStream;
  #isShown = false;

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    if (!isAttended(this.#terminal)) return;
    this.#terminal.write(CLEAR + text.slice(0, (this.#terminal.columns ?? 80) - 1));
    this.#isShown = true;
  }

  /** Before anything else is written. */
  clear(): void {
    if (this.#isShown) this.#terminal.write(CLEAR);
    this.#isShown = false;
  }
}
