import * as Args from '@oclif/core/args';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { withOverrides } from '../lib/trigger/config/overrides.ts';
import { readConfig } from '../lib/trigger/config/read.ts';
import { type RouteEnding, routeBalance, routeEnding, routeSummary } from '../lib/trigger/meb/counts.ts';
import { DealFilter } from '../lib/trigger/meb/deal.ts';
import { buildOptions, type RouteFlags, routeFlags } from '../lib/trigger/meb/flags.ts';
import { routeMeters } from '../lib/trigger/meb/meters.ts';
import { MebRoute } from '../lib/trigger/meb/route.ts';
import { writeSummary } from '../lib/trigger/summary.ts';
import type { TriggerConfig } from '../lib/trigger/types.ts';

type Flags = RouteFlags & { metrics?: string | undefined };

const STATUS: Readonly<Record<RouteEnding, ExitStatus>> = {
  clean: EXIT.ok,
  rejected: EXIT.no,
  'connection-lost': EXIT.disconnected,
};

export default class MebRouteCommand extends DaqCommand {
  static override summary = 'build monitored events of all detectors and give them to clients, or deal monitor buffers';
  static override usageLine =
    'build --config FILE --mon URL... [--client URL]... [options] | deal --config FILE [options]';
  static override concern = 'trigger' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'the streams ended or a signal came, everything is accounted for, nothing was rejected',
    '1': 'ran to the end, but records were rejected or a stream was no stream of records',
    '4': 'a stream of events or of free buffers was lost (clients may come and go)',
    '128+n': 'ended by a second signal n, at once',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = routeFlags;
  static override args = {
    part: Args.string({ options: ['build', 'deal'], required: true, description: 'what to do' }),
  };
  static override examples = [
    {
      description: 'events of two detectors for a viewer',
      command:
        'meb-route build --config trigger.json --mon unix:run/m0 --mon unix:run/m1 --free unix:run/free --client - | dgram-cat -d',
    },
    {
      description: 'for two viewers that come and go, of monitors 0 and 1',
      command:
        'meb-route build --config trigger.json --mon m0 --mon m1 --free free --client 0=unix-listen:run/a --client 1=unix-listen:run/b',
    },
    {
      description: 'deal the buffers of recorded results',
      command: 'meb-route deal --config trigger.json --reserve 1:3 --in wishes.res --out dealt.res',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(MebRouteCommand);
    const { meb, reserve } = flags;
    const config = withOverrides(readConfig(flags.config), { meb, reserve, monThrottle: flags['mon-throttle'] });
    return args.part === 'build' ? this.build(config, flags) : this.deal(config, flags);
  }

  private async build(config: TriggerConfig, flags: Flags): Promise<ExitStatus> {
    const route = new MebRoute({ ...this.surroundings(config), options: buildOptions(flags) });
    const state = () => route.state();
    const labels = { partition: String(config.common) };
    await this.observe({ balance: () => routeBalance(state()), meters: routeMeters(state), labels }, flags.metrics);
    await route.open();
    try {
      await route.run();
    } finally {
      writeSummary(routeSummary(state()), flags.summary);
    }
    const { kind, why } = routeEnding(state());
    this.conclude(kind, why, formatBalance(routeBalance(state())));
    return STATUS[kind];
  }

  private async deal(config: TriggerConfig, flags: Flags): Promise<ExitStatus> {
    const options = { in: flags.in, out: flags.out, monIn: flags['mon-in'], fairGroups: flags['fair-groups'] };
    const filter = new DealFilter({ ...this.surroundings(config), options });
    const labels = { partition: String(config.common) };
    await this.observe({ balance: () => filter.balance(), labels }, flags.metrics);
    const end = await filter.run();
    writeSummary(filter.summary(), flags.summary);
    const kind = end.how === 'end' ? 'clean' : end.how === 'lost' ? 'connection-lost' : 'rejected';
    this.conclude(kind, end.how === 'end' ? '' : end.why, formatBalance(filter.balance()));
    return STATUS[kind];
  }

  private surroundings(config: TriggerConfig) {
    return { config, lifecycle: this.lifecycle, stdout: this.out, say: (text: string) => this.say(text) };
  }

  private conclude(kind: RouteEnding, why: string, balance: string): void {
    if (kind === 'clean') this.verdict('I', `OK ${balance}`);
    else this.verdict(kind === 'rejected' ? 'W' : 'E', `${kind}: ${why}; ${balance}`);
  }
}
