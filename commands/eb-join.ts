import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { readConfig } from '../lib/trigger/config/read.ts';
import { type JoinEnding, joinBalance, joinEnding, joinSummary } from '../lib/trigger/receiver/counts.ts';
import { EbJoin } from '../lib/trigger/receiver/eb-join.ts';
import { type JoinFlags, joinFlags, joinOptions } from '../lib/trigger/receiver/flags.ts';
import { joinMeters } from '../lib/trigger/receiver/meters.ts';
import { writeSummary } from '../lib/trigger/summary.ts';

const STATUS: Readonly<Record<JoinEnding, ExitStatus>> = {
  clean: EXIT.ok,
  rejected: EXIT.no,
  'connection-lost': EXIT.disconnected,
};

export default class EbJoinCommand extends DaqCommand {
  static override summary = 'join the waiting events of a detector with the decisions about them, and record';
  static override usageLine = '--receiver R --config FILE --results URL... [--events URL] [--record URL] [options]';
  static override concern = 'trigger' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'the inputs ended or a signal came, everything is accounted for, nothing was rejected',
    '1': 'ran to the end, but events were rejected, decisions were missing, or an input was no stream of records',
    '4': 'a connection was lost, or the reader of the recorded events went away',
    '128+n': 'ended by a second signal n, at once',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = joinFlags;
  static override examples = [
    {
      description: 'record what the decider wants of detector process 1',
      command:
        'eb-join --receiver 1 --config trigger.json --events hsd.xtc2 --results 1.res --record run.xtc2 --smd run.smd.xtc2',
    },
    {
      description: 'behind a Python script, with the decision in the data, and events for monitors',
      command:
        'drp-python fex.py --trigger-out unix:run/c0 | eb-join --receiver 0 --config trigger.json --results unix:run/r0 --triginfo --record run.xtc2 --mon unix:run/m0',
    },
    {
      description: 'the fate of every event as text',
      command: 'eb-join --receiver 1 --config trigger.json --events 1.events --results 1.res --format jsonl',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { flags } = await this.parse(EbJoinCommand);
    const options = joinOptions(flags);
    const config = readConfig(flags.config);
    const say = (text: string) => this.say(text);
    const join = new EbJoin({ options, config, lifecycle: this.lifecycle, stdout: this.out, say });
    const state = () => join.state();
    const labels = { partition: String(config.common) };
    await this.observe({ balance: () => joinBalance(state()), meters: joinMeters(state), labels }, flags.metrics);
    await join.open();
    try {
      await join.run();
    } catch (error) {
      if (join.state().receiver.lost.length === 0) {
        this.report(join, flags);
        throw error;
      }
    }
    return STATUS[this.report(join, flags)];
  }

  private report(join: EbJoin, flags: JoinFlags): JoinEnding {
    const state = join.state();
    writeSummary(joinSummary(state), flags.summary);
    const { kind, why } = joinEnding(state, flags['no-common'] === 'discard');
    const balance = formatBalance(joinBalance(state));
    if (kind === 'clean') this.verdict('I', `OK ${balance}`);
    else this.verdict(kind === 'rejected' ? 'W' : 'E', `${kind}: ${why}; ${balance}`);
    return kind;
  }
}
