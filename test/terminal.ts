/** A real pseudo-terminal for tests of full-screen views. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

/** Why there is none, or undefined. */
export const noScript = spawnSync('script', ['--version']).error
  ? 'the program `script` (bsdutils) is absent'
  : undefined;
/** Options of a test that needs one. */
export const needsTerminal = noScript === undefined ? {} : { skip: noScript };

/** A command in a pseudo-terminal, whose keys and picture the test has in hand. */
export class Terminal {
  picture = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown[]>;
  private over = false;

  constructor(command: string, environment: Readonly<Record<string, string>> = {}) {
    const { CI, ...env } = process.env;
    // --return: the status of the command, not of script.
    this.child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
      env: { ...env, TERM: 'xterm', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.picture += text));
    // All output has come at `close`.
    this.ended = once(this.child, 'close').finally(() => (this.over = true));
  }

  press(keys: string): void {
    this.child.stdin!.write(keys);
  }

  /** Waits until the terminal has shown a text, whatever its colours. */
  async shows(text: RegExp): Promise<void> {
    while (!text.test(stripVTControlCharacters(this.picture))) {
      if (this.over) throw new Error(`it ended without ${text}:\n${this.picture}`);
      await Promise.race([once(this.child.stdout!, 'data'), this.ended]);
    }
  }

  async status(): Promise<unknown> {
    const [status] = await this.ended;
    return status;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

export function terminalOf(
  test: { teardown(end: () => void): void },
  command: string,
  environment: Readonly<Record<string, string>> = {},
): Terminal {
  const terminal = new Terminal(command, environment);
  test.teardown(() => terminal.kill());
  return terminal;
}
