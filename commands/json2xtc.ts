import * as Flags from '@oclif/core/flags';
import type * as Interfaces from '@oclif/core/interfaces';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { configureDgram, type DgramOptions } from '../lib/config-json/configure.ts';
import { type Conversion, convertText, convertTexts } from '../lib/config-json/convert.ts';
import { inputsAndOutput, parseTime, parseTransition } from '../lib/config-json/options.ts';
import { conversionJson, conversionLines, problemLines, sameDetectors } from '../lib/config-json/report.ts';
import { UsageError } from '../lib/errors.ts';
import { readAll } from '../lib/stream/read-all.ts';
import { writeWhole } from '../lib/stream/replace-file.ts';
import { openBytes } from '../lib/stream/source.ts';
import { MAX_NAMES_ID, MAX_NODE_ID } from '../lib/xtc/layout.ts';

const USAGE = 'json2xtc [IN.json|-] [OUT.xtc2|-], or json2xtc -o OUT.xtc2 IN.json...';
const NO_INPUT = `no input: name a document, or pipe one into it\nusage: ${USAGE}`;
const REFERENCE = 'REFERENCE';
const DGRAM = 'DGRAM';

export default class Json2Xtc extends DaqCommand {
  static override summary = 'turn configuration documents (JSON) into a Configure dgram';
  static override usageLine = '[IN.json|-] [OUT.xtc2|-] [options]';
  static override concern = 'configuration' as const;
  static override strict = false;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag };
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'write there; all names on the line are then inputs, in one dgram',
      helpValue: 'OUT',
    }),
    check: Flags.boolean({ summary: 'convert and report, but write nothing' }),
    list: Flags.boolean({ summary: 'an input may hold several documents: in a JSON list, or one after the other' }),
    'split-segment': Flags.boolean({ summary: 'split the detector name at its last "_" into name and segment number' }),
    compat: Flags.boolean({
      summary: 'behave exactly as the reference json2xtc',
      description: 'Its silent losses become warnings, and numbers are converted by its arithmetic.',
      helpGroup: REFERENCE,
    }),
    'exact-numbers': Flags.boolean({
      summary: 'with --compat, round decimal numbers correctly all the same',
      description: 'Without --compat numbers are always rounded correctly.',
      helpGroup: REFERENCE,
    }),
    node: Flags.integer({
      min: 0,
      max: MAX_NODE_ID,
      default: 1,
      summary: 'node part of the NamesId',
      helpValue: 'N',
      helpGroup: DGRAM,
    }),
    'names-id': Flags.integer({
      min: 0,
      max: MAX_NAMES_ID,
      default: 0,
      summary: 'names part of the NamesId of the first document; the others count up',
      helpValue: 'N',
      helpGroup: DGRAM,
    }),
    'names-only': Flags.boolean({ summary: 'write the descriptions only', exclusive: ['data-only'], helpGroup: DGRAM }),
    'data-only': Flags.boolean({ summary: 'write the values only, into an L1Accept', helpGroup: DGRAM }),
    transition: Flags.string({ summary: 'transition of the dgram', helpValue: 'NAME', helpGroup: DGRAM }),
    time: Flags.string({ default: '0', summary: 'time of the dgram', helpValue: 'SEC[.FRACTION]', helpGroup: DGRAM }),
  };
  static override examples = [
    { description: 'convert one document', command: 'json2xtc tmo_hsd.json tmo_hsd.xtc2' },
    { description: 'find every mistake in a document', command: 'json2xtc --check tmo_hsd.json' },
    { description: 'look at the result', command: 'json2xtc tmo_hsd.json | dgram-cat -d' },
    {
      description: 'two detectors in one Configure, names as the DAQ writes them',
      command: 'json2xtc --split-segment -o configure.xtc2 hsd_0.json hsd_1.json',
    },
    {
      description: 'a step scan: descriptions in Configure, values in BeginStep',
      command:
        'json2xtc --names-only --names-id 20 scan.json; json2xtc --data-only --names-id 20 --transition BeginStep scan.json',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(Json2Xtc);
    const words = argv.map(String);
    const { inputs, output } = inputsAndOutput(words, flags.output, USAGE);
    const toStdout = output === '-' && !flags.check;
    if (flags.json && toStdout) throw new UsageError('--json goes to standard output: name an output file, or --check');
    if (toStdout && process.stdout.isTTY) throw new UsageError('dgrams are not for terminals: name an output file');
    if (words.length === 0 && process.stdin.isTTY) throw new UsageError(NO_INPUT);
    const options = dgramOptions(flags);
    const conversions: Conversion[] = [];
    for (const input of inputs) {
      const bytes = await readAll(await openBytes(input));
      if (this.lifecycle.stop.aborted) return EXIT.ok;
      if (words.length === 0 && bytes.length === 0) throw new UsageError(NO_INPUT);
      conversions.push(this.convert(input, bytes, flags));
    }
    return this.conclude(inputs, conversions, options, flags, output);
  }

  private convert(file: string, bytes: Buffer, flags: ParsedFlags): Conversion {
    const rules = {
      file,
      compat: flags.compat,
      exactNumbers: !flags.compat || flags['exact-numbers'],
      splitSegment: flags['split-segment'],
    };
    return flags.list ? convertTexts(bytes, rules) : convertText(bytes, rules);
  }

  private async conclude(
    inputs: readonly string[],
    conversions: readonly Conversion[],
    options: DgramOptions,
    flags: ParsedFlags,
    output: string,
  ): Promise<ExitStatus> {
    for (const { problems } of conversions) for (const line of problemLines(problems)) this.say(line);
    const configs = conversions.flatMap((conversion) => conversion.configs);
    for (const twice of sameDetectors(configs)) this.say(`warning: ${twice} is described by more than one document`);
    const failed = conversions.some(({ problems }) => problems.errors > 0);
    const dgram = failed ? undefined : configureDgram(configs, options);
    if (dgram && !flags.check) await this.write(dgram, output);
    if (flags.json) this.out.line(conversionJson(inputs, conversions, dgram?.length));
    else if (flags.check && dgram)
      for (const line of conversionLines(inputs, conversions, options, dgram.length)) this.out.line(line);
    return failed ? EXIT.no : EXIT.ok;
  }

  private async write(dgram: Buffer, output: string): Promise<void> {
    if (output !== '-') return writeWhole(output, this.lifecycle, (out) => out.bytes(dgram));
    this.out.bytes(dgram);
    return this.out.drain();
  }
}

type ParsedFlags = Interfaces.InferredFlags<typeof Json2Xtc.flags & typeof Json2Xtc.baseFlags>;

function dgramOptions(flags: ParsedFlags): DgramOptions {
  const half = flags['names-only'] ? 'names' : flags['data-only'] ? 'data' : 'both';
  return {
    nodeId: flags.node,
    firstNamesId: flags['names-id'],
    half,
    service: parseTransition(flags.transition ?? (half === 'data' ? 'L1Accept' : 'Configure')),
    ...parseTime(flags.time),
  };
}
