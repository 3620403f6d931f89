/** `--ipc own`: frames through two pipes (spec teb.md, 5.3), to our Python runtime or to any other program that speaks them. */

import { delimiter } from 'node:path';
import type { PythonProcess, PythonProcessOptions } from '../../python/process.ts';
import type { EventBatch } from './batch.ts';
import { connectInfo, keyBase, slotSizes } from './connect.ts';
import {
  FRAME,
  FREE_BYTES,
  FROM_DECIDER,
  type FrameHeader,
  FrameReader,
  MORE_FOLLOWS,
  TO_DECIDER,
  writeFrameHeader,
} from './frames.ts';
import type { DeciderLink, LinkEvents } from './link.ts';
import type { DeciderSetup } from './types.ts';

/** Where the process finds its ends. */
const TEB_FD = '3,4';

export type OwnProgram =
  | { kind: 'python'; python: string; script: string; folder: string; allowPickle: boolean }
  | { kind: 'command'; command: string };

export class OwnPipes implements DeciderLink {
  readonly inFlight = 2;
  readonly perMessage = Number.POSITIVE_INFINITY;
  private readonly setup: DeciderSetup;
  private readonly program: OwnProgram;
  private sequence = 0;
  private body: unknown;
  private events: LinkEvents | undefined;
  private process: PythonProcess | undefined;
  private facts = { stateless: false };

  constructor(setup: DeciderSetup, program: OwnProgram) {
    this.setup = setup;
    this.program = program;
  }

  launch(sequence: number, body: unknown): Omit<PythonProcessOptions, 'prefix'> {
    this.sequence = sequence;
    this.body = body;
    const { program } = this;
    if (program.kind === 'command') {
      return { command: '/bin/sh', args: ['-c', `exec ${program.command}`], env: { TEB_FD }, pipes: true };
    }
    const { common } = this.setup;
    const args = ['-u', '-m', 'daqpipe.trigger.runner', program.script, `-p ${common}`, `-b ${keyBase(this.setup)}`];
    return { command: program.python, args, env: { TEB_FD, PYTHONPATH: pythonPath(program.folder) }, pipes: true };
  }

  attach(process: PythonProcess, events: LinkEvents): void {
    this.process = process;
    this.events = events;
    const reader = new FrameReader((header, payload) => this.received(header, payload));
    process.fromProcess.on('data', (bytes: Buffer) => {
      if (this.events !== events) return;
      const wrong = reader.push(bytes);
      if (wrong !== undefined) {
        this.process?.fromProcess.removeAllListeners('data').resume();
        events.broken(wrong);
      }
    });
    process.fromProcess.on('end', () => events.closed());
    // A process that dies breaks its pipes; its exit says so better than the pipe does.
    process.fromProcess.on('error', () => {});
    process.toProcess.on('error', () => {});
    const { setup, program } = this;
    this.sendJson(TO_DECIDER.HELLO, {
      api: 1,
      connect: connectInfo(setup),
      partition: setup.common,
      key: keyBase(setup),
      sizes: slotSizes(setup),
      ...(program.kind === 'python' && program.allowPickle ? { allowPickle: true } : {}),
    });
  }

  post(frame: number, batch: EventBatch, from: number, count: number): void {
    const pipe = this.process?.toProcess;
    if (pipe === undefined) return;
    const entries = batch.entries(from, count);
    const head = Buffer.allocUnsafe(FRAME.size);
    this.head(head, TO_DECIDER.EVENTS, count, entries.length + FREE_BYTES, frame);
    // One writev: the entries are not copied, they stay as they are until their answers are back.
    pipe.cork();
    pipe.write(head);
    pipe.write(entries);
    pipe.write(batch.free);
    pipe.uncork();
  }

  stop(): void {
    const head = this.head(Buffer.allocUnsafe(FRAME.size), TO_DECIDER.STOP, 0, 0, 0);
    this.process?.toProcess.write(head);
  }

  release(): void {
    this.events = undefined;
    this.process = undefined;
  }

  private received(header: FrameHeader, payload: Buffer): void {
    const { events } = this;
    if (events === undefined) return;
    if (header.sequence !== this.sequence) {
      if (header.kind === FROM_DECIDER.RESULTS) events.stale(header.count);
      return;
    }
    if (header.kind === FROM_DECIDER.RESULTS) {
      events.answers(header.number, header.count, payload, (header.flags & MORE_FOLLOWS) !== 0);
    } else if (header.kind === FROM_DECIDER.OK) events.ready(this.facts);
    else this.said(header.kind, payload, events);
  }

  /** Frames with text. */
  private said(kind: number, payload: Buffer, events: LinkEvents): void {
    const said = readJson(payload);
    if (said === undefined) events.broken(`a frame of kind ${kind} holds no JSON object`);
    else if (kind === FROM_DECIDER.READY) {
      this.facts = { stateless: said.stateless === true };
      this.sendJson(TO_DECIDER.CONFIGURE, this.body ?? {});
    } else if (kind === FROM_DECIDER.COUNTS) {
      events.counted({ primBad: numbersOf(said.prim_bad), missingKeys: numbersOf(said.missing_keys) });
    } else if (kind === FROM_DECIDER.ERROR) {
      events.complained(typeof said.pid === 'number' ? said.pid : undefined, String(said.text ?? ''));
    } else events.broken(`frame kind ${kind}`);
  }

  private sendJson(kind: number, value: unknown): void {
    const text = Buffer.from(JSON.stringify(value));
    const head = this.head(Buffer.allocUnsafe(FRAME.size), kind, 0, text.length, 0);
    this.process?.toProcess.write(Buffer.concat([head, text]));
  }

  private head(into: Buffer, kind: number, count: number, bytes: number, number: number): Buffer {
    return writeFrameHeader(into, { kind, flags: 0, count, bytes, sequence: this.sequence, number });
  }
}

/** Our modules for existing scripts first, then the runtime, then what the user has. */
export function pythonPath(folder: string, ...before: string[]): string {
  const own = [...before, `${folder}/daqpipe/trigger/compat`, folder];
  return [...own, ...(process.env.PYTHONPATH ? [process.env.PYTHONPATH] : [])].join(delimiter);
}

function readJson(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function numbersOf(value: unknown): Record<string, number> {
  if (typeof value !== 'object' || value === null) return {};
  const pairs = Object.entries(value).filter((pair): pair is [string, number] => typeof pair[1] === 'number');
  return Object.fromEntries(pairs);
}
