import type * as Interfaces from '@oclif/core/interfaces';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { isMistake, mistake } from '../lib/cli/mistake.ts';
import { DaqError, formatPlace, UsageError } from '../lib/errors.ts';
import { timingFlags } from '../lib/timing/flags.ts';
import type { Inputs } from '../lib/timing/input/combine.ts';
import { type Proof, prove, type Request } from '../lib/timing/prove.ts';
import type { MaskFormat } from '../lib/timing/recorded/mask-format.ts';
import { errorJson, type Format, outputLines } from '../lib/timing/report/print.ts';
import { verdictLine } from '../lib/timing/report/text.ts';

export default class RogValidate extends DaqCommand {
  static override summary = 'prove that every readout group overlaps the common group, pulse by pulse';
  static override usageLine = '[--partition FILE] [--ts FILE] [options]';
  static override concern = 'timing' as const;
  static override baseFlags = { alias: processManagerFlags.alias, ...jsonFlag };
  static override flags = timingFlags;
  static override examples = [
    { description: 'is this partition right?', command: 'rog-validate --partition partition.yaml' },
    {
      description: 'what configure is about to write, for the detectors that are active',
      command: 'rog-validate --ts timing_0.json --activedet x3_p1.activedet.json -p 1',
    },
    {
      description: 'the same with the sequence of engine 4',
      command: 'rog-validate --ts timing_0.json --seq 4:codes.py --groups 0,1,5 -p 0',
    },
    { description: 'look at the first violation', command: 'rog-validate --partition partition.yaml --plot' },
    {
      description: 'masks that somebody recorded, one byte per pulse',
      command: 'rog-validate --stdin u8 -p 0 < masks.u8',
    },
    {
      description: 'a recorded run against its own Configure',
      command: 'rog-validate --ts run.xtc2 --xtc run.xtc2 -p 4',
    },
  ];

  override async run(): Promise<ExitStatus> {
    let format: Format = this.argv.includes('--json') ? 'json' : 'text';
    try {
      const { flags } = await this.parse(RogValidate);
      format = formatOf(flags);
      const proof = await prove(requestOf(flags), this.lifecycle.stop);
      if (proof === null) return EXIT.ok;
      this.print(proof, format);
      return proof.verdict.exit;
    } catch (error) {
      if (!isInputMistake(error)) throw error;
      return this.refuse(error, format);
    }
  }

  private print({ verdict, machine, extras }: Proof, format: Format): void {
    for (const { code, text } of verdict.warnings) this.say(`warning: ${code}: ${text}`);
    for (const line of outputLines(verdict, machine, format, extras)) this.out.line(line);
    const last = verdictLine(verdict);
    if (format === 'json' || format === 'tsv') process.stderr.write(`${last}\n`);
    else this.out.line(last);
  }

  /** Inputs that are no partition: the result says so in the form that was asked for. */
  private refuse(error: Error, format: Format): ExitStatus {
    const place = error instanceof DaqError ? formatPlace(error.place) : '';
    const message = isMistake(error) ? mistake(error, RogValidate, this.config.bin) : error.message.trim();
    const text = `${place === '' ? '' : `${place}: `}${message}`.replaceAll('\n', ' ');
    if (format === 'json') this.out.line(errorJson(text));
    const last = `<E> rog-validate: ERROR ${text}`;
    if (format === 'json' || format === 'tsv') process.stderr.write(`${last}\n`);
    else this.out.line(last);
    return EXIT.usage;
  }
}

type ParsedFlags = Interfaces.InferredFlags<typeof RogValidate.flags & typeof RogValidate.baseFlags>;

const MISTAKES = ['usage', 'unreadable-input', 'timing-input', 'timing-program', 'timing-script', 'timing-partition'];

function isInputMistake(error: unknown): error is Error {
  return error instanceof DaqError ? MISTAKES.includes(error.code) : isMistake(error);
}

function formatOf(flags: ParsedFlags): Format {
  if (flags.json || flags.format === 'json') return 'json';
  if (flags.tsv || flags.format === 'tsv') return 'tsv';
  return flags.quiet ? 'quiet' : 'text';
}

function requestOf(flags: ParsedFlags): Request {
  return {
    inputs: inputsOf(flags),
    ...(flags.stdin === undefined ? {} : { stdin: flags.stdin as MaskFormat }),
    ...(flags.xtc === undefined ? {} : { xtc: flags.xtc }),
    ...(flags.python ? { python: true } : {}),
    ...(flags.plot ? { plot: flags['plot-ms'] } : {}),
  };
}

function inputsOf(flags: ParsedFlags): Inputs {
  const inputs = {
    partition: flags.partition,
    ts: flags.ts,
    tsBase: flags['ts-base'],
    xpm: flags.xpm,
    activeDetectors: flags.activedet,
    groups: flags.groups === undefined ? undefined : groupList(flags.groups),
    common: flags.common,
    machine: flags.machine,
    seq: flags.seq,
    ctrl: flags.ctrl,
    beam: flags.beam,
    autoCommon: flags['auto-common'],
    ignoreDestinations: flags['ignore-dest'],
    transient: flags.transient as Inputs['transient'],
    maxPeriods: flags['max-periods'],
  };
  const given = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
  return { ...given, inhibits: flags.inhibits };
}

function groupList(text: string): number[] {
  return text.split(',').map((word) => {
    if (!/^[0-7]$/.test(word.trim()))
      throw new UsageError(`--groups ${text}: expected numbers 0..7 with commas between them`);
    return Number(word);
  });
}
