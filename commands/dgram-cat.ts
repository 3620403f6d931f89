import type * as Interfaces from '@oclif/core/interfaces';
import { DaqCommand, jsonFlag, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { progressOnTerminal } from '../lib/cli/progress.ts';
import { isAttended } from '../lib/cli/terminal.ts';
import { UsageError } from '../lib/errors.ts';
import { registerLive } from '../lib/live/scheme.ts';
import {
  inputFlags,
  type Mode,
  type ShowOptions,
  selectionFlags,
  viewFlags,
  withDamageValue,
} from '../lib/show/options.ts';
import type { Pass } from '../lib/show/pass.ts';
import { type ShowResult, showInputs } from '../lib/show/run.ts';
import { stageOf } from '../lib/show/stage.ts';
import { damageByName } from '../lib/xtc/damage.ts';
import type { Epoch } from '../lib/xtc/time.ts';
import type { ArrayMode } from '../lib/xtc/value.ts';

registerLive();

export default class DgramCat extends DaqCommand {
  static override summary = 'show, check, filter and follow dgrams';
  static override usageLine = '[FILE|-|URL]... [options]';
  static override concern = 'dgrams' as const;
  static override strict = false;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag, ...metricsFlag };
  static override flags = { ...viewFlags, ...selectionFlags, ...inputFlags };
  static override examples = [
    { description: 'one line per dgram', command: 'dgram-cat run.xtc2' },
    { description: 'what is in the first event', command: 'dgram-cat -d --service L1Accept -n 1 run.xtc2' },
    { description: 'is the file sound?', command: 'dgram-cat --check run.xtc2' },
    {
      description: 'events with a bright image, as JSON lines',
      command: "dgram-cat --where 'opal.fex.n > 3' --format jsonl run.xtc2",
    },
    {
      description: 'cut out ten events, with the transitions they need',
      command: 'dgram-cat --transitions --time A..B --format xtc2 run.xtc2 > cut.xtc2',
    },
    { description: 'watch a file that is being written', command: 'dgram-cat -f --live run.xtc2' },
    { description: 'pass events on through a socket', command: 'dgram-cat --format xtc2 -o zmq+tcp://:5555 run.xtc2' },
  ];

  override async run(): Promise<ExitStatus> {
    this.argv = withDamageValue(
      this.argv,
      (word) => word === 'any' || word.split(',').every((name) => damageByName(name) !== undefined),
    );
    const { argv, flags } = await this.parse(DgramCat);
    const inputs = argv.length > 0 ? argv.map(String) : ['-'];
    const options = optionsOf(flags);
    if (inputs.length === 1 && inputs[0] === '-' && process.stdin.isTTY) {
      throw new UsageError('no input: give files, or pipe dgrams into it');
    }
    const passes: Pass[] = [];
    await this.observe(stageOf(passes), flags.metrics);
    const show = options.mode === 'live' ? (await import('../lib/show/live.ts')).showLive : showInputs;
    const result = await show(inputs, {
      options,
      out: this.out,
      lifecycle: this.lifecycle,
      say: (message: string) => this.say(message),
      passes,
      // The other views write while they read, which says enough.
      ...(options.mode === 'check' || options.mode === 'stats' ? { progress: progressOnTerminal() } : {}),
    });
    return this.conclude(result, options);
  }

  private conclude({ passes, gaveUp }: ShowResult, options: ShowOptions): ExitStatus {
    if (options.mode !== 'check') for (const pass of passes) this.sayFindings(pass, passes.length > 1);
    for (const sentence of gaveUp) this.say(sentence);
    const misspelt = new Set(passes.flatMap((pass) => pass.selection.neverSeen()));
    if (misspelt.size > 0) this.say(`--where: no dgram had ${[...misspelt].join(', ')} (--names lists what there is)`);
    if (passes.some((pass) => pass.log.errors > 0)) return EXIT.no;
    if (gaveUp.length > 0) return EXIT.loss;
    const conditions = Object.entries(options.selection).some(
      ([name, value]) => value !== undefined && !['count', 'skip', 'transitions'].includes(name),
    );
    if (conditions && passes.every((pass) => pass.shown === 0) && !this.lifecycle.stop.aborted) {
      this.say('no dgram matches');
      return EXIT.no;
    }
    return EXIT.ok;
  }

  private sayFindings(pass: Pass, several: boolean): void {
    for (const line of pass.log.lines(false)) this.say(several || pass.name !== '-' ? `${pass.name}: ${line}` : line);
  }
}

type ParsedFlags = Interfaces.InferredFlags<typeof DgramCat.flags & typeof DgramCat.baseFlags>;

function optionsOf(flags: ParsedFlags): ShowOptions {
  const mode = modeOf(flags);
  const { count, skip, service, detector, alg, field, time, groups, damage, event, where, transitions } = flags;
  const selection = { count, skip, service, detector, alg, field, time, groups, damage, event, where, transitions };
  return {
    mode,
    selection: Object.fromEntries(Object.entries(selection).filter(([, value]) => value !== undefined)),
    epoch: flags.epoch as Epoch,
    arrays: flags.arrays as ArrayMode,
    head: flags.head,
    names: flags.names ?? true,
    data: flags.data ?? true,
    corrupted: flags.corrupted,
    resync: flags.resync,
    config: flags.config,
    follow: flags.follow,
    timeout: flags.timeout * 1000,
    merge: flags.merge,
    json: flags.json,
    output: outputOf(flags.output, mode),
    titles: process.stdout.isTTY && ['line', 'contents', 'hex'].includes(mode),
  };
}

function outputOf(url: string | undefined, mode: Mode): string | undefined {
  if (url !== undefined && mode !== 'xtc2' && mode !== 'smd') {
    throw new UsageError('--output goes with --format xtc2 or smd; text goes to stdout');
  }
  return url;
}

/** One view at a time; asking for two is a mistake that is better named than guessed at. */
function modeOf(flags: ParsedFlags): Mode {
  const asked: Mode[] = [];
  if (flags.live) asked.push(isAttended(process.stdout) ? 'live' : 'line');
  if (flags.hex) asked.push('hex');
  if (flags.stats) asked.push('stats');
  if (flags.names === true) asked.push('names');
  if (flags.check) asked.push('check');
  if (flags.format !== 'text') asked.push(flags.format as Mode);
  if (flags.data === true && asked.length === 0) asked.push('contents');
  if (asked.length > 1) throw new UsageError(`one view at a time, please: ${asked.join(' and ')} were asked for`);
  return asked[0] ?? 'line';
}
