import * as Flags from '@oclif/core/flags';
import type * as Interfaces from '@oclif/core/interfaces';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { DaqError, formatPlace, UsageError } from '../lib/errors.ts';
import type { Inputs } from '../lib/timing/input/combine.ts';
import { type Proof, prove, type Request } from '../lib/timing/prove.ts';
import { MASK_FORMATS, type MaskFormat } from '../lib/timing/recorded/mask-format.ts';
import { errorJson, type Format, outputLines } from '../lib/timing/report/print.ts';
import { verdictLine } from '../lib/timing/report/text.ts';

const PATTERN = 'PATTERN';
const SOURCES = 'SOURCES';
const RULE = 'RULE';
const RECORDED = 'RECORDED PULSES';
const OUTPUT = 'OUTPUT';

export default class RogValidate extends DaqCommand {
  static override summary = 'prove that every readout group overlaps the common group, pulse by pulse';
  static override usageLine = '[--partition FILE] [--ts FILE] [options]';
  static override concern = 'timing' as const;
  static override baseFlags = { alias: processManagerFlags.alias, ...jsonFlag };
  static override flags = {
    partition: Flags.string({ summary: 'partition file, JSON or YAML', helpValue: 'FILE', helpGroup: PATTERN }),
    ts: Flags.string({
      summary: 'timing object: JSON, REST reply, printed Python, or .xtc2 with a Configure',
      helpValue: 'FILE',
      helpGroup: PATTERN,
    }),
    'ts-base': Flags.string({
      summary: 'object that a CALIB object of --ts lies over',
      helpValue: 'FILE',
      helpGroup: PATTERN,
    }),
    xpm: Flags.string({
      summary: 'autosave object of an XPM: selects and loaded sequences',
      helpValue: 'FILE',
      helpGroup: PATTERN,
    }),
    activedet: Flags.string({
      summary: 'active-detector file: groups in use and detector names',
      helpValue: 'FILE',
      helpGroup: PATTERN,
    }),
    groups: Flags.string({ summary: 'groups in use', helpValue: '0,1,5', helpGroup: PATTERN }),
    common: Flags.integer({
      char: 'p',
      min: 0,
      max: 7,
      summary: 'common group = platform number',
      helpValue: 'N',
      helpGroup: PATTERN,
    }),
    machine: Flags.string({
      summary: 'sc, ued, or a file with a marker table',
      helpValue: 'sc|ued|FILE',
      helpGroup: PATTERN,
    }),
    seq: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'sequence of engine E: .py script or JSON',
      helpValue: 'E:FILE[@1Hz|@any|@TICK]',
      helpGroup: SOURCES,
    }),
    python: Flags.boolean({ summary: 'run scripts with python3 instead of the built-in reader', helpGroup: SOURCES }),
    ctrl: Flags.string({ summary: 'pattern table of event codes 0..255', helpValue: 'FILE', helpGroup: SOURCES }),
    beam: Flags.string({
      summary: 'destination table, or what the beam does',
      helpValue: 'FILE[:KEY]|none|DEST|unknown',
      helpGroup: SOURCES,
    }),
    'auto-common': Flags.boolean({ summary: 'the common group is the OR of the accepted others', helpGroup: RULE }),
    inhibits: Flags.boolean({
      allowNo: true,
      default: true,
      summary: 'use the programmable inhibits of the inputs',
      helpGroup: RULE,
    }),
    'ignore-dest': Flags.boolean({ summary: 'take every group as open to all destinations', helpGroup: RULE }),
    transient: Flags.string({
      options: ['auto', 'check', 'report'],
      summary: 'whether the start-up counts',
      helpGroup: RULE,
    }),
    'max-periods': Flags.integer({
      min: 1,
      summary: 'machine periods to look at before giving up',
      helpValue: 'N',
      helpGroup: RULE,
    }),
    stdin: Flags.string({
      options: [...MASK_FORMATS],
      summary: 'check group masks from standard input, one per pulse',
      helpGroup: RECORDED,
    }),
    xtc: Flags.string({
      multiple: true,
      summary: 'check the readout groups of recorded events',
      helpValue: 'FILE...',
      helpGroup: RECORDED,
    }),
    format: Flags.string({
      options: ['table', 'json', 'tsv'],
      default: 'table',
      summary: 'form of the result',
      helpGroup: OUTPUT,
    }),
    tsv: Flags.boolean({ summary: 'the same as --format tsv', helpGroup: OUTPUT }),
    quiet: Flags.boolean({ char: 'q', summary: 'only the last line', helpGroup: OUTPUT }),
    plot: Flags.boolean({ summary: 'draw the groups around the first violation', helpGroup: OUTPUT }),
    'plot-ms': Flags.integer({
      min: 1,
      max: 1000,
      default: 2,
      summary: 'milliseconds that --plot shows',
      helpValue: 'MS',
      helpGroup: OUTPUT,
    }),
  };
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
    const text = `${place === '' ? '' : `${place}: `}${error.message.trim()}`.replaceAll('\n', ' ');
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
  return error instanceof DaqError ? MISTAKES.includes(error.code) : error instanceof Error && 'oclif' in error;
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
