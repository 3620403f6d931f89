import * as Args from '@oclif/core/args';
import { formatBalance, imbalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { parseAddress } from '../lib/cli/http-address.ts';
import { advertisedHost } from '../lib/mapreduce/address/advertise.ts';
import { openReducerPayload } from '../lib/mapreduce/payload/flags.ts';
import { refusePayload } from '../lib/mapreduce/payload/refuse.ts';
import { buildVersion } from '../lib/mapreduce/redis/build-version.ts';
import { redisAddress } from '../lib/mapreduce/redis/connect.ts';
import { Registry } from '../lib/mapreduce/redis/registry.ts';
import { reduceFlags } from '../lib/mapreduce/reduce/flags.ts';
import { Journal } from '../lib/mapreduce/reduce/journal.ts';
import { ReducerService } from '../lib/mapreduce/reduce/service.ts';

export default class MapReduce extends DaqCommand {
  static override summary = "gather the results of workers in a user's class, and serve what it publishes";
  static override usageLine = 'MODULE:CLASS | --js FILE.mjs [options]';
  static override concern = 'mapreduce' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'a signal came, and every result was reduced',
    '1': 'the class cannot be used, or cannot be brought up again',
    '3': 'a signal came, and results were refused, or what was made of them is gone; the balance says how many',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = reduceFlags;
  static override args = { class: Args.string({ required: false }) };
  static override examples = [
    { description: 'the class Histogram of sums.py in this folder', command: 'map-reduce sums:Histogram' },
    {
      description: 'a crash of this process loses nothing',
      command: 'map-reduce sums:Histogram --replay-results results.cbors',
    },
    {
      description: 'workers of the reference send pickles',
      command: 'map-reduce src.reducer:TestReducer --alias-dranspose --accept-pickle',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(MapReduce);
    const say = (message: string) => this.say(message);
    const { host, port } = parseAddress(flags.port, '--port');
    const advertise = advertisedHost(flags.advertise);
    const address = redisAddress(flags.redis, { insecure: flags.insecure });
    const path = args.class ?? (flags.js === undefined ? process.env.REDUCER_CLASS : undefined);
    const payload = await openReducerPayload(path, flags, say).catch(refusePayload);
    const registry = await Registry.open({ address, prefix: flags.prefix, say }).catch(async (error: unknown) => {
      await payload.close();
      throw error;
    });
    const file = flags['replay-results'];
    const service = new ReducerService(registry, {
      ...{ payload, host, port, cors: flags.cors, bind: flags.bind, advertise, url: flags.url, say },
      journal: file === undefined ? undefined : new Journal(file, say),
      version: buildVersion(),
      listening: (url) => {
        this.out.line(url);
        void this.out.drain();
      },
    });
    await this.observe({ balance: () => service.balance(), meters: service.meters }, flags.metrics);
    try {
      await service.run(this.lifecycle.stop);
    } finally {
      await registry.close();
    }
    const balance = service.balance();
    const { refused, forgotten } = service.counts;
    const lossy = refused > 0 || forgotten > 0 || imbalance(balance) !== 0;
    this.verdict(service.failure ? 'E' : lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(balance)}`);
    if (service.failure) {
      this.say(service.failure.message);
      return EXIT.no;
    }
    return lossy ? EXIT.loss : EXIT.ok;
  }
}
