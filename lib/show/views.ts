/** The views of `dgram-cat`: what is written for a wanted dgram, and at the end of an input. */

import type { Output } from '../cli/output.ts';
import type { DgramTaker } from '../stream/sink.ts';
import type { Companion } from '../xtc/checker.ts';
import type { Dgram } from '../xtc/dgram.ts';
import { isIncomplete } from '../xtc/finding.ts';
import { headerLine, JsonView } from '../xtc/json-view.ts';
import type { NamesBlock } from '../xtc/names.ts';
import { SmdConverter } from '../xtc/smd.ts';
import type { Walker } from '../xtc/walk.ts';
import { Contents } from './contents.ts';
import type { FindingLog } from './findings.ts';
import { Hex } from './hex.ts';
import { dgramLine } from './line.ts';
import type { LiveInput, LiveModel } from './live-model.ts';
import { namesDocument, namesLines } from './names-table.ts';
import type { ShowOptions } from './options.ts';
import type { Selection } from './select.ts';
import { Stats } from './stats.ts';

export interface View extends Partial<Companion> {
  /** Before the walk of a wanted dgram. */
  begin?(dgram: Dgram): void;
  /** After it. */
  end(dgram: Dgram): void;
  /** When the input is over: lines for people, or a document for `--json`. */
  result?(): { lines: string[]; document: object };
  /** Which block the view needs the walk of a checker for. False: headers or bytes are enough. */
  readonly decodes: boolean;
}

/** Makes the view of the input `name`. */
export function makeView(
  name: string,
  options: ShowOptions,
  walker: Walker,
  selection: Selection,
  log: FindingLog,
  out: Output,
  sink: DgramTaker = out,
): View {
  const { epoch, mode } = options;
  switch (mode) {
    case 'line':
      return { decodes: options.data, end: (dgram) => out.line(dgramLine(dgram, epoch)) };
    case 'contents':
      return companionView(new Contents(walker, { ...options, wants: selection.wants }), options, out);
    case 'hex':
      return companionView(new Hex(walker, epoch), options, out);
    case 'jsonl':
      return jsonView(options, walker, selection, out);
    case 'xtc2':
      return { decodes: false, end: (dgram) => sink.bytes(dgram.slice()) };
    case 'smd':
      return smdView(sink);
    case 'stats':
      return statsView(options);
    case 'names':
      return namesView(selection);
    case 'live':
      return liveView(options.live!, { name, walker, log, wants: selection.wants });
    default:
      return checkView(log);
  }
}

function liveView(model: LiveModel, input: LiveInput): View {
  model.begin(input);
  return {
    decodes: true,
    visitor: model.visitor,
    begin: (dgram) => model.observe(dgram, input),
    end: () => {},
  };
}

interface Collector extends Companion {
  begin(dgram: Dgram): void;
  end(): string[];
}

function companionView(collector: Collector, { epoch }: ShowOptions, out: Output): View {
  return {
    decodes: true,
    visitor: collector.visitor,
    ...(collector.report ? { report: collector.report } : {}),
    begin: (dgram) => collector.begin(dgram),
    end: (dgram) => {
      out.line(dgramLine(dgram, epoch));
      for (const line of collector.end()) out.line(line);
    },
  };
}

function jsonView(options: ShowOptions, walker: Walker, selection: Selection, out: Output): View {
  if (!options.data) return { decodes: false, end: (dgram) => out.line(headerLine(dgram)) };
  const view = new JsonView(walker, { ...options, wants: selection.wants });
  return {
    decodes: true,
    visitor: view.visitor,
    report: view.report,
    begin: (dgram) => view.begin(dgram),
    end: () => out.line(view.end()),
  };
}

function smdView(sink: DgramTaker): View {
  const converter = new SmdConverter();
  return {
    decodes: false,
    // The converter uses its buffer again for the next dgram, so the bytes are copied; they are few.
    end: (dgram) => sink.bytes(Buffer.from(converter.convert(dgram))),
  };
}

function statsView({ epoch }: ShowOptions): View {
  const stats = new Stats();
  return {
    decodes: true,
    visitor: stats.visitor,
    begin: (dgram) => stats.begin(dgram),
    end: () => {},
    result: () => ({ lines: stats.lines(epoch), document: stats.document() }),
  };
}

function namesView(selection: Selection): View {
  const blocks = new Map<string, NamesBlock>();
  return {
    decodes: true,
    visitor: {
      names: (names) => {
        if (selection.wants(names)) blocks.set(`${names.id}\0${names.detName}\0${names.alg}`, names);
      },
    },
    end: () => {},
    result: () => ({
      lines: namesLines([...blocks.values()]),
      document: { names: namesDocument([...blocks.values()]) },
    }),
  };
}

function checkView(log: FindingLog): View {
  const stats = new Stats();
  return {
    decodes: true,
    visitor: stats.visitor,
    begin: (dgram) => stats.begin(dgram),
    end: () => {},
    result: () => {
      const { dgrams, bytes, damage } = stats.document();
      const verdict = verdictOf(log);
      const damaged = damage.map(({ where, counts }) => {
        const list = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
        return `damage on ${where}: ${list.join(', ')}`;
      });
      return {
        lines: [
          `${verdict}: ${dgrams} dgrams, ${bytes} bytes, ${log.errors} errors, ${log.warnings} warnings`,
          ...log.lines(true).map((line) => `  ${line}`),
          ...damaged.map((line) => `  ${line}`),
        ],
        document: {
          verdict,
          dgrams,
          bytes,
          errors: log.errors,
          warnings: log.warnings,
          findings: log.findings,
          counts: Object.fromEntries(log.byCode),
          damage,
        },
      };
    },
  };
}

/** A file that merely ends too early is told apart from a damaged one. */
function verdictOf(log: FindingLog): string {
  if (log.errors === 0) return log.warnings > 0 ? 'readable, with warnings' : 'clean';
  const cut = log.findings.every(
    ({ severity, code, resume }) => severity !== 'error' || (isIncomplete(code) && resume === null),
  );
  return cut ? 'incomplete' : 'damaged';
}
