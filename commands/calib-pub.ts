import { fetchMeters } from '../lib/calib/fetch-counters.ts';
import { fetcherFrom } from '../lib/calib/fetch-flags.ts';
import { publishFlags } from '../lib/calib/publish/flags.ts';
import { type PublishContext, publishRuns, startPublishing } from '../lib/calib/publish/run.ts';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { OutputClosed } from '../lib/cli/output.ts';

export default class CalibPub extends DaqCommand {
  static override summary = 'fetch calibration constants once per run and publish them to many';
  static override usageLine = '-d NAME[:SEGMENT] (--from-stream URL | --exp NAME --run N | --control) [options]';
  static override concern = 'calibration' as const;
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = publishFlags;
  static override examples = [
    {
      description: 'beside a DRP: the stream says when runs begin, and waits for their constants',
      command:
        'dgram-gen | calib-pub -d epix --from-stream - -o - --source constants/ | drp-python fex.py --calib local -D epix',
    },
    {
      description: 'one run, until stopped',
      command: 'calib-pub -d epix:0 --det epix=epix10ka:5,7 --exp mfxl1038923 --run 7 --source bundle.tar',
    },
    {
      description: 'for 60 workers of the existing system, release 4.1.6',
      command: 'calib-pub -u epix_0 -p 2 --upstream-names --format zlib --expect 60 --from-stream zmq+tcp://:5555',
    },
    {
      description: 'one for all segments of a detector, on the network of the DRPs',
      command: 'calib-pub -d epix --scope detector --bind tcp://172.21.1.5:5560 --control --det epix=epix10ka:1,3,5,7',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { flags } = await this.parse(CalibPub);
    const say = (message: string) => this.say(message);
    const fetcher = fetcherFrom(flags, say);
    const { partition, alias } = flags;
    const context: PublishContext = {
      flags,
      partition,
      alias,
      fetcher,
      lifecycle: this.lifecycle,
      stdout: this.out,
      say,
    };
    const publishing = await startPublishing(context);
    const { publisher } = publishing;
    const { publication } = publisher;
    const meters = [...publisher.meters(), ...fetchMeters(fetcher.counters)];
    await this.observe({ balance: () => publication.balance(), meters }, flags.metrics);
    // Nobody waits for a service, or for subscribers, after a signal.
    this.lifecycle.stop.addEventListener('abort', () => {
      fetcher.close();
      publisher.end();
    });
    let failed = true;
    let wrongLines = 0;
    try {
      wrongLines = await publishRuns(publishing, context);
      failed = false;
    } catch (error) {
      failed = !(error instanceof OutputClosed) && !this.lifecycle.stop.aborted;
      if (failed || error instanceof OutputClosed) throw error;
    } finally {
      fetcher.close();
      await publisher.close();
      if (failed) this.verdict('E', `FAILED ${formatBalance(publication.balance())}`);
    }
    const { missing, absent } = publication.counts;
    // Who leaves by itself is only counted; who was put out because it was slow wanted more.
    const unserved = missing + absent + publisher.refused.slow;
    const lossy = unserved + publisher.staleRuns + fetcher.counters.emptyRuns + wrongLines > 0;
    this.verdict(lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(publication.balance())}`);
    return lossy ? EXIT.loss : EXIT.ok;
  }
}
