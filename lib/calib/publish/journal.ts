/**
 * What a publisher remembers beyond its own death: how many copies of the open run went out to subscribers who cannot tell a repetition.
 * Started again inside that run, it does not send those a second copy, which they would take for the next run's (spec calib-pub.md, 5).
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

interface Note {
  exp: string;
  run: number;
  sent: number;
}

export class Journal {
  private readonly path: string;
  private note: Note | undefined;

  /** @param path a file in a folder that only this user can enter */
  constructor(path: string) {
    this.path = path;
    this.note = readNote(path);
  }

  /** A run begins. @returns how many copies of it went out before */
  begin(exp: string | undefined, run: number): number {
    const { note } = this;
    if (exp === undefined) {
      this.end();
      return 0;
    }
    if (note?.exp === exp && note.run === run) return note.sent;
    this.note = { exp, run, sent: 0 };
    this.write();
    return 0;
  }

  sent(): void {
    if (this.note === undefined) return;
    this.note.sent++;
    this.write();
  }

  /** The run ended, or the publisher ends in order: there is nothing to remember. */
  end(): void {
    this.note = undefined;
    rmSync(this.path, { force: true });
  }

  private write(): void {
    const beside = `${this.path}.new`;
    writeFileSync(beside, JSON.stringify(this.note), { mode: 0o600 });
    renameSync(beside, this.path);
  }
}

/** A file that is not there, or makes no sense, says nothing. */
function readNote(path: string): Note | undefined {
  try {
    const { exp, run, sent } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Note>;
    return typeof exp === 'string' && typeof run === 'number' && typeof sent === 'number'
      ? { exp, run, sent }
      : undefined;
  } catch {
    return undefined;
  }
}
