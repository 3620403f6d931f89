import * as Flags from '@oclif/core/flags';
import type * as Interfaces from '@oclif/core/interfaces';
import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import type { Output } from '../lib/cli/output.ts';
import { type Collected, collectDocuments, nothingFound } from '../lib/config-json/document/collect.ts';
import { writeDocument } from '../lib/config-json/document/document-text.ts';
import { lossLines } from '../lib/config-json/document/export.ts';
import { inputsAndOutput, parseTransition } from '../lib/config-json/options.ts';
import { UsageError } from '../lib/errors.ts';
import { DgramReader } from '../lib/stream/dgram-reader.ts';
import { writeWhole } from '../lib/stream/replace-file.ts';
import { openBytes } from '../lib/stream/source.ts';
import type { NamesBlock } from '../lib/xtc/names.ts';

const CHOICE = 'CHOICE';
const FORM = 'FORM';
const USAGE = 'xtc2json [IN.xtc2|-] [OUT.json|-]';

export default class Xtc2Json extends DaqCommand {
  static override summary = 'give the configuration in a Configure dgram back as JSON documents';
  static override usageLine = '[IN.xtc2|-] [OUT.json|-] [options]';
  static override concern = 'configuration' as const;
  static override strict = false;
  static override baseFlags = processManagerFlags;
  static override flags = {
    detector: Flags.string({
      summary: 'these detectors only, with or without segment: hsd,opal_0,epix*',
      helpValue: 'NAME,...',
      helpGroup: CHOICE,
    }),
    alg: Flags.string({ summary: 'these algorithms only', helpValue: 'NAME,...', helpGroup: CHOICE }),
    segment: Flags.integer({ min: 0, summary: 'this segment only', helpValue: 'N', helpGroup: CHOICE }),
    transition: Flags.string({
      default: 'Configure',
      summary: 'take the values from the first dgram of this transition',
      helpValue: 'NAME',
      helpGroup: CHOICE,
    }),
    format: Flags.string({
      options: ['json', 'jsonl'],
      default: 'json',
      summary: 'json: a document, or a list if there are several; jsonl: one document per line',
      helpGroup: FORM,
    }),
    verbose: Flags.boolean({
      char: 'v',
      summary: 'name everything that is not kept, not only the first five of a kind',
      helpGroup: FORM,
    }),
    compact: Flags.boolean({ summary: 'no indentation', helpGroup: FORM }),
    lists: Flags.boolean({
      default: true,
      allowNo: true,
      summary: 'turn x_0, x_1, ... into lists',
      helpGroup: FORM,
    }),
    'join-segment': Flags.boolean({
      allowNo: true,
      summary: 'write detector names with segment number, as configuration databases do',
      description: 'Without the option this is done if any of the segments is not 0.',
      helpGroup: FORM,
    }),
  };
  static override examples = [
    { description: 'the configuration of a run', command: 'xtc2json run.xtc2' },
    { description: 'one detector, into a file', command: 'xtc2json --detector hsd_0 run.xtc2 hsd_0.json' },
    {
      description: 'a part of the settings of one detector',
      command: "xtc2json --detector hsd_0 run.xtc2 | jq '.user.raw'",
    },
    {
      description: 'change something, and back',
      command: 'xtc2json run.xtc2 | jq .user.gain=2 | json2xtc - new.xtc2',
    },
    {
      description: 'all detectors, and back',
      command: 'xtc2json run.xtc2 | json2xtc --list --split-segment - all.xtc2',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(Xtc2Json);
    const words = argv.map(String);
    const { inputs, output } = inputsAndOutput(words, undefined, USAGE);
    const input = inputs[0]!;
    if (input === '-' && process.stdin.isTTY) throw new UsageError(`no input: name a file, or pipe dgrams into it`);
    const service = parseTransition(flags.transition);
    const { detector, alg, segment } = flags;
    const choice = {
      ...(detector === undefined ? {} : { detector }),
      ...(alg === undefined ? {} : { alg }),
      ...(segment === undefined ? {} : { segment }),
    };
    const reader = new DgramReader(await openBytes(input), { stop: this.lifecycle.stop });
    let joined = false;
    const collected = await collectDocuments(reader, service, choice, (blocks) => {
      joined = flags['join-segment'] ?? blocks.some((names: NamesBlock) => names.segment !== 0);
      return { lists: flags.lists, joinSegment: joined };
    });
    for (const fault of collected.faults) this.say(`${input}: ${fault}`);
    if (collected.documents.length === 0) {
      if (!this.lifecycle.stop.aborted) this.say(`${input}: ${nothingFound(collected, service)}`);
      return EXIT.no;
    }
    const write = (out: Output) => writeAll(collected, flags, out);
    if (output === '-') await write(this.out);
    else await writeWhole(output, this.lifecycle, write);
    return this.conclude(collected, joined && flags['join-segment'] === undefined, flags.verbose);
  }

  private conclude({ documents, faults }: Collected, joined: boolean, verbose: boolean): ExitStatus {
    if (joined) this.say('note: detector names carry the segment number; json2xtc --split-segment takes it off again');
    const losses = documents.flatMap((document) => lossLines(document, verbose));
    for (const loss of losses) this.say(`not kept: ${loss}`);
    if (faults.length > 0) return EXIT.no;
    return losses.length > 0 ? EXIT.loss : EXIT.ok;
  }
}

type ParsedFlags = Interfaces.InferredFlags<typeof Xtc2Json.flags>;

async function writeAll({ documents }: Collected, flags: ParsedFlags, out: Output): Promise<void> {
  const lines = flags.format === 'jsonl';
  const pretty = !lines && !flags.compact;
  const list = !lines && documents.length > 1;
  const put = (text: string) => out.put(text);
  if (list) put('[');
  for (const [index, document] of documents.entries()) {
    if (list) put(`${index === 0 ? '' : ','}${pretty ? '\n  ' : ''}`);
    writeDocument(document, { pretty, level: list ? 1 : 0 }, put);
    if (!list) put('\n');
    if (out.full) await out.drain();
  }
  if (list) put(pretty ? '\n]\n' : ']\n');
}
