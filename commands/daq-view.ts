import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { parseAddress } from '../lib/cli/http-address.ts';
import { UsageError } from '../lib/errors.ts';
import { registerLive } from '../lib/live/scheme.ts';
import type { Audience } from '../lib/live/view/audience.ts';
import type { Feed } from '../lib/live/view/feed.ts';
import { parsePlot } from '../lib/live/view/request.ts';
import { runView, viewBalance, viewMeters } from '../lib/live/view/run.ts';
import { EPOCHS, type Epoch } from '../lib/xtc/time.ts';

registerLive();

export default class DaqView extends DaqCommand {
  static override summary = 'show chosen fields of a stream as live plots in a web browser';
  static override usageLine = '[IN|-|URL] [FIELD[=KIND]...] [options]';
  static override concern = 'live' as const;
  static override strict = false;
  static override endsBySignal = true;
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override args = { input: Args.string({ description: 'dgrams: a file, -, a URL', default: '-' }) };
  static override flags = {
    bind: Flags.string({
      char: 'b',
      summary: 'where the page is served; port 0 picks a free one',
      helpValue: '[HOST:]PORT',
      default: '0',
    }),
    records: Flags.boolean({ summary: 'the input holds records of graph-run --format jsonl' }),
    rate: Flags.integer({
      char: 'r',
      summary: 'most pictures per second',
      helpValue: 'HZ',
      default: 5,
      min: 1,
      max: 60,
    }),
    window: Flags.integer({
      char: 'w',
      summary: 'what trends show: seconds, or heartbeats',
      helpValue: 'N',
      default: 120,
      min: 1,
      max: 1_000_000,
    }),
    epoch: Flags.string({
      summary: 'what times of dgrams count from',
      options: [...EPOCHS],
      default: 'epics',
      helpValue: EPOCHS.join('|'),
    }),
    once: Flags.boolean({ summary: 'end with the input; otherwise the last pictures stay until a signal' }),
  };
  static override examples = [
    { description: 'recent events of a live server', command: 'daq-view shm:tst gmd:raw:energy hsd_0:raw:waveform' },
    { description: 'what is there? a sensible choice', command: 'dgram-gen --realtime | daq-view' },
    {
      description: 'a histogram beside the trend',
      command: 'daq-view shm:tst gmd:raw:energy gmd:raw:energy=histogram',
    },
    {
      description: 'results of a graph',
      command: 'graph-run energy.yaml shm:tst -f jsonl | daq-view --records - -b 8080',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { argv, flags } = await this.parse(DaqView);
    const [input = '-', ...fields] = argv.map(String);
    if (input === '-' && process.stdin.isTTY) throw new UsageError('no input: name one, or pipe dgrams into it');
    let feed: Feed | undefined;
    let audience: Audience | undefined;
    const balance = () => viewBalance(feed, audience);
    const words = await runView(
      {
        input,
        ...parseAddress(flags.bind, '--bind'),
        plots: fields.map(parsePlot),
        records: flags.records,
        rate: flags.rate,
        span: flags.window,
        epoch: flags.epoch as Epoch,
        once: flags.once,
      },
      {
        lifecycle: this.lifecycle,
        say: (text) => this.say(text),
        onStart: async (...started) => {
          [feed, audience] = started;
          const meters = viewMeters(
            () => feed,
            () => audience,
          );
          await this.observe({ balance, meters }, flags.metrics);
        },
      },
    );
    for (const word of words) this.say(word);
    this.verdict(words.length > 0 ? 'W' : 'I', `${words.length > 0 ? 'LOSS' : 'OK'} ${formatBalance(balance())}`);
    return words.length > 0 ? EXIT.loss : EXIT.ok;
  }
}
