/**
 * What every input must satisfy, sound or not: nothing but DaqErrors is thrown, what is framed lies in the input and is handed
 * out unchanged, the way bytes arrive does not matter, output stays in proportion, and what could not be decoded is an error.
 */

import assert from 'node:assert/strict';
import { DaqError } from '../../lib/errors.ts';
import { Contents } from '../../lib/show/contents.ts';
import { Expression } from '../../lib/show/expression.ts';
import { Hex } from '../../lib/show/hex.ts';
import { dgramLine } from '../../lib/show/line.ts';
import { namesLines } from '../../lib/show/names-table.ts';
import { Stats } from '../../lib/show/stats.ts';
import { announcedChunk } from '../../lib/stream/chunks.ts';
import { Checker } from '../../lib/xtc/checker.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { editDgram } from '../../lib/xtc/editor.ts';
import type { Finding } from '../../lib/xtc/finding.ts';
import { JsonView } from '../../lib/xtc/json-view.ts';
import { DGRAM } from '../../lib/xtc/layout.ts';
import { SmdConverter } from '../../lib/xtc/smd.ts';
import { withoutUndefinedBytes } from '../../lib/xtc/undefined-bytes.ts';
import { ARRAY_MODES } from '../../lib/xtc/value.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { type Feed, frame } from './frame.ts';
import type { Random } from './random.ts';

/** A field of one byte is shown with its name of up to 255 characters, escaped, and padded to the longest of its block. */
const OUTPUT_PER_BYTE = 2000;
const OUTPUT_ALWAYS = 20_000;

interface Frame {
  offset: number;
  bytes: Buffer;
}

/** Runs everything over one input. @throws AssertionError, or whatever a broken part throws */
export function exercise(input: Buffer, random: Random): void {
  const { frames, findings } = framed(input, {
    inputSize: input.length,
    resync: random.oneIn(2),
    blockSize: 64 * 1024,
  });
  checkFraming(input, frames, findings, random);
  const walker = new Walker({ corrupted: random.oneIn(4) });
  const errors = checkContents(frames, walker);
  if (errors.undecoded > 0) assert.ok(errors.found > 0, 'what cannot be decoded is an error');
  views(input.length, frames);
  // Compiling an expression and laying out tables take longer than all the rest.
  if (random.oneIn(16)) statsOf(frames);
  edit(frames, random);
}

function framed(input: Buffer, feed: Feed): { frames: Frame[]; findings: Finding[] } {
  const frames: Frame[] = [];
  const findings = frame(input, feed, (dgram) => {
    assert.ok(dgram.offset >= 0 && dgram.offset + dgram.size <= input.length, 'dgrams lie inside the input');
    assert.equal(dgram.index, frames.length);
    const last = frames.at(-1);
    if (last) assert.ok(dgram.offset >= last.offset + last.bytes.length, 'offsets increase');
    const bytes = input.subarray(dgram.offset, dgram.offset + dgram.size);
    if (dgram.whole) assert.ok(dgram.slice().equals(bytes), 'dgrams are handed out unchanged');
    frames.push({ offset: dgram.offset, bytes });
  });
  return { frames, findings };
}

const summary = (findings: readonly Finding[]) =>
  findings.map(({ code, index, offset, resume }) => ({ code, index, offset, resume }));

function checkFraming(input: Buffer, frames: readonly Frame[], findings: readonly Finding[], random: Random): void {
  const covered = frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  assert.equal(errors > 0, covered < input.length, 'bytes that no dgram covers are an error, and nothing else');
  // The same in other pieces and without knowing the size.
  const resync = findings.some(
    ({ resume }, i) =>
      typeof resume === 'number' && (i < findings.length - 1 || frames.some(({ offset }) => offset >= resume)),
  );
  const again = framed(input, { resync, blockSize: 24 + random.below(3000), piece: 1 + random.below(4000) });
  if (resync || again.findings.length === findings.length) {
    assert.deepEqual(summary(again.findings), summary(findings), 'findings do not depend on how bytes arrive');
    assert.deepEqual(
      again.frames.map(({ offset }) => offset),
      frames.map(({ offset }) => offset),
    );
  }
}

function dgramOf({ bytes, offset }: Frame, index: number): Dgram {
  const dgram = new Dgram(bytes);
  dgram.offset = offset;
  dgram.index = index;
  return dgram;
}

function checkContents(frames: readonly Frame[], walker: Walker): { undecoded: number; found: number } {
  let found = 0;
  let undecoded = 0;
  let companionErrors = 0;
  const checker = new Checker(walker, ({ severity, offset }) => {
    assert.ok(offset >= 0);
    if (severity === 'error') found++;
  });
  const companion = {
    visitor: {
      data: ({ count, names }: { count: number; names: { fields: readonly unknown[] } }) =>
        void (undecoded += count < names.fields.length ? 1 : 0),
    },
    report: () => void companionErrors++,
  };
  for (const [index, one] of frames.entries()) checker.check(dgramOf(one, index), companion);
  if (companionErrors === 0) assert.equal(found, 0, 'every error inside a dgram reaches the view');
  return { undecoded, found };
}

/** All texts of all views: in proportion to the input. */
function views(size: number, frames: readonly Frame[]): void {
  const limit = OUTPUT_ALWAYS + OUTPUT_PER_BYTE * size;
  for (const arrays of ARRAY_MODES) {
    const view = new JsonView(new Walker(), { arrays });
    let length = 0;
    for (const [index, one] of frames.entries()) {
      const line = view.line(dgramOf(one, index));
      length += line.length;
      if (arrays === 'md5') JSON.parse(line);
    }
    assert.ok(length <= limit, `JSON with arrays ${arrays} in proportion: ${length} characters for ${size} bytes`);
  }
  for (const make of [contentsOf, hexOf]) assert.ok(make(frames) <= limit, 'text in proportion');
}

function contentsOf(frames: readonly Frame[]): number {
  const walker = new Walker();
  const view = new Contents(walker, { head: 3, names: true, wants: () => true });
  return textOf(frames, (dgram) => {
    view.begin(dgram);
    walker.walk(dgram, view.visitor, view.report);
    return view.end();
  });
}

function hexOf(frames: readonly Frame[]): number {
  const walker = new Walker({ corrupted: true });
  const view = new Hex(walker, 'unix');
  return textOf(frames, (dgram) => {
    view.begin(dgram);
    walker.walk(dgram, view.visitor);
    return view.end();
  });
}

function textOf(frames: readonly Frame[], lines: (dgram: Dgram) => string[]): number {
  let length = 0;
  for (const [index, one] of frames.entries()) {
    const dgram = dgramOf(one, index);
    length += dgramLine(dgram, 'epics').length;
    for (const line of lines(dgram)) length += line.length;
  }
  return length;
}

function statsOf(frames: readonly Frame[]): void {
  const walker = new Walker();
  const stats = new Stats();
  const where = new Expression(
    'all.raw.UINT16 > 3 and all.config.mode == High or all.raw.text == "abc" or sum(all.raw.array2) > 1',
    walker,
  );
  for (const [index, one] of frames.entries()) {
    const dgram = dgramOf(one, index);
    where.matches(dgram);
    stats.begin(dgram);
    walker.walk(dgram, stats.visitor);
    announcedChunk(dgram, walker, 'x-c000.xtc2');
  }
  assert.equal(stats.document().dgrams, frames.length);
  stats.lines('epics');
  namesLines([...walker.table]);
}

function edit(frames: readonly Frame[], random: Random): void {
  const walker = new Walker();
  const other = new Walker();
  const converter = new SmdConverter();
  for (const [index, one] of frames.entries()) {
    const dgram = dgramOf(one, index);
    assert.equal(withoutUndefinedBytes(dgram, other).length, dgram.size);
    assert.ok(editDgram(dgram, {}).equals(one.bytes), 'an empty edit changes nothing');
    const wanted = random.oneIn(2) ? 'raw' : 'config';
    const smaller = editDgram(
      dgram,
      { remove: (names) => names.alg === wanted, service: random.below(16) },
      walker.table,
    );
    walker.walk(dgram, {});
    checkSize(smaller);
    assert.ok(smaller.length <= one.bytes.length, 'removing does not add');
    try {
      checkSize(converter.convert(dgram));
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
    }
  }
}

function checkSize(bytes: Buffer): void {
  assert.equal(bytes.readUInt32LE(DGRAM.extent) + 12, bytes.length, 'the root extent is right');
}
