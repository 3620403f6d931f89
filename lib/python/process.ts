/**
 * One Python process: started bound to us (it dies with us, even by SIGKILL), its words kept and passed on with a prefix, stopped
 * politely and then not politely.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { boundToParent } from 'posix-ipc-shim';

export interface PythonProcessOptions {
  /** Interpreter and everything behind it. */
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Put before every line of its output on our stderr; output is not shown without it. */
  prefix?: string;
  /** Opens fd 3 (to the process) and fd 4 (from it). */
  pipes?: boolean;
  /** Our descriptors that become fd 3, 4, ... of the process, instead of pipes. */
  descriptors?: readonly number[];
  /** Its output goes straight to our stderr: for who waits for the process without reading what it says. */
  inheritOutput?: boolean;
}

export interface PythonExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last lines that it wrote, at most 64 KiB. */
  lastWords: string;
}

const KEPT_BYTES = 64 * 1024;
const TERM_GRACE_MS = 2000;
/** Words may still be in the pipes when a process is gone; but its own children may hold them open for ever. */
const LAST_WORDS_MS = 300;

export class PythonProcess {
  readonly pid: number | undefined;
  /** Settles when the process is gone and its output has been read, as far as it was there soon; never rejects. */
  readonly exited: Promise<PythonExit>;
  private readonly child: ChildProcess;
  private readonly prefix: string | undefined;
  private kept = '';
  private line = '';
  private gone = false;
  private ended = false;

  constructor(options: PythonProcessOptions) {
    const { command, args } = boundToParent(options.command, options.args);
    this.prefix = options.prefix;
    const ends = options.pipes ? ['pipe' as const, 'pipe' as const] : (options.descriptors ?? []);
    const output = options.inheritOutput ? 2 : 'pipe';
    this.child = spawn(command, args, {
      stdio: ['ignore', output, output, ...ends],
      env: { ...process.env, ...options.env },
      // A ^C of the terminal is for us: we let the workers finish what they have.
      detached: true,
    });
    this.pid = this.child.pid;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.hear(text));
    }
    this.exited = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null) => {
        if (this.ended) return;
        this.ended = true;
        this.gone = true;
        clearTimeout(silence);
        for (const stream of this.child.stdio) stream?.destroy();
        this.flushLine();
        resolve({ code, signal, lastWords: this.kept });
      };
      let silence: NodeJS.Timeout | undefined;
      this.child.on('exit', (code, signal) => {
        this.gone = true;
        this.sweep();
        silence = setTimeout(() => finish(code, signal), LAST_WORDS_MS);
      });
      this.child.on('error', (error) => {
        this.kept += `${error.message}\n`;
        if (this.pid === undefined) finish(127, null);
      });
      this.child.on('close', finish);
    });
  }

  /** fd 3 of the process, to write to. */
  get toProcess(): Writable {
    return this.child.stdio[3] as unknown as Duplex;
  }

  /** fd 4 of the process, to read from. */
  get fromProcess(): Readable {
    return this.child.stdio[4] as unknown as Readable;
  }

  get running(): boolean {
    return !this.gone;
  }

  /** The last lines so far. */
  get lastWords(): string {
    return this.kept;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.gone) this.child.kill(signal);
  }

  /** SIGTERM (or another signal), after 2 s (or another time) SIGKILL; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = TERM_GRACE_MS): Promise<PythonExit> {
    this.signal(signal);
    const hard = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const exit = await this.exited;
    clearTimeout(hard);
    return exit;
  }

  /** Ends what the script started and left behind: the process led a group of its own, which is named by its id as long as it has members. */
  private sweep(): void {
    try {
      process.kill(-this.pid!, 'SIGKILL');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Nobody was left: the ordinary case. Or only programs that run as somebody else.
      if (code !== 'ESRCH' && code !== 'EPERM') throw error;
    }
  }

  private hear(text: string): void {
    this.kept = (this.kept + text).slice(-KEPT_BYTES);
    if (this.prefix === undefined) return;
    const lines = (this.line + text).split('\n');
    this.line = lines.pop()!;
    if (lines.length > 0) process.stderr.write(lines.map((line) => `${this.prefix}${line}\n`).join(''));
  }

  private flushLine(): void {
    if (this.prefix !== undefined && this.line !== '') process.stderr.write(`${this.prefix}${this.line}\n`);
    this.line = '';
  }
}

/** `killed by SIGKILL`, `exit status 1`. */
export function describeExit({ code, signal }: Pick<PythonExit, 'code' | 'signal'>): string {
  return signal === null ? `exit status ${code}` : `killed by ${signal}`;
}
