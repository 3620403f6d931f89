/** Log files with the names and headers of the existing managers (spec procmgr.md 1.4). */

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

export interface LogHeader {
  readonly id: string;
  readonly platform: number | undefined;
  readonly host: string;
  readonly commandLine: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const HEADER_ENV = ['CONDA_PREFIX', 'TESTRELDIR'] as const;
/** A line that never ends must not fill the memory. */
const LONGEST_LINE = 64 * 1024;

/** `YYYY/MM/DD_HH:MM:SS_HOST:ID.log`, UTC. */
export function logName(started: Date, host: string, id: string): string {
  const [date, time] = started.toISOString().slice(0, 19).split('T') as [string, string];
  const [year, month, day] = date.split('-') as [string, string, string];
  return join(year, month, `${day}_${time}_${host}:${id}.log`);
}

/** The balance that a stage printed as its last words. */
export interface StageBalance {
  readonly stage: number;
  readonly in: number;
  readonly out: number;
}

export class JobLog {
  readonly path: string;
  readonly #fd: number;
  #closed = false;
  readonly #balances: StageBalance[] = [];
  #lastLine = '';

  /** @param folder root of the logs */
  constructor(folder: string, started: Date, header: LogHeader) {
    this.path = join(folder, logName(started, header.host, header.id));
    mkdirSync(join(this.path, '..'), { recursive: true });
    this.#fd = openSync(this.path, 'a', 0o640);
    const lines = [
      `# ID:      ${header.id}`,
      `# PLATFORM:${header.platform ?? ''}`,
      `# HOST:    ${header.host}`,
      `# CMDLINE: ${header.commandLine}`,
      ...HEADER_ENV.flatMap((name) => (header.env[name] ? [`# ${name}:${header.env[name]}`] : [])),
    ];
    this.#write(`${lines.join('\n')}\n`);
  }

  get lastLine(): string {
    return this.#lastLine;
  }

  /** By stage, what came in and went out, as far as the stages said so. */
  get balances(): readonly StageBalance[] {
    return this.#balances;
  }

  /** A line of the supervisor itself. */
  note(text: string): void {
    this.#write(`# daq-run: ${text}\n`);
  }

  /** Writes what comes, whole lines at a time. @param prefix before every line */
  follow(stream: Readable, prefix: string, onLine: (line: string) => void): void {
    let rest = '';
    const put = (line: string) => {
      this.#lastLine = line;
      this.#write(`${prefix}${line}\n`);
      this.#noteBalance(line, prefix);
      onLine(line);
    };
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) put(line);
      if (rest.length > LONGEST_LINE) {
        put(rest);
        rest = '';
      }
    });
    stream.on('end', () => {
      if (rest !== '') put(rest);
      rest = '';
    });
  }

  /** Commands of this package end with `<I> name: OK ... in 500 = out 498 + dropped 2`. */
  #noteBalance(line: string, prefix: string): void {
    const match = /^<[IWE]> .*\bin (\d+) = out (\d+)/.exec(line);
    if (!match) return;
    const stage = Number(/\d+/.exec(prefix)?.[0] ?? 1);
    this.#balances.push({ stage, in: Number(match[1]), out: Number(match[2]) });
  }

  end(status: number): void {
    this.note(`ended with status ${status}`);
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #write(text: string): void {
    if (!this.#closed) writeSync(this.#fd, text);
  }
}
