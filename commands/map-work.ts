import * as Args from '@oclif/core/args';
import { formatBalance, imbalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { parseBytes } from '../lib/cli/size.ts';
import { errorPolicy, openWorkerPayload } from '../lib/mapreduce/payload/flags.ts';
import { refusePayload } from '../lib/mapreduce/payload/refuse.ts';
import { buildVersion } from '../lib/mapreduce/redis/build-version.ts';
import { redisAddress } from '../lib/mapreduce/redis/connect.ts';
import { Registry } from '../lib/mapreduce/redis/registry.ts';
import { tagsOf, workerName, workFlags } from '../lib/mapreduce/work/flags.ts';
import { WorkerService } from '../lib/mapreduce/work/service.ts';

const TB = 1024 ** 4;

export default class MapWork extends DaqCommand {
  static override summary = "run a user's class on the events that map-control gives";
  static override usageLine = 'MODULE:CLASS | --js FILE.mjs [options]';
  static override concern = 'mapreduce' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'a signal came, and every event was done',
    '1': 'the class cannot be used, or an event failed with --on-error stop',
    '3': 'a signal came, and events failed, were incomplete or were not finished; the balance says how many',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = workFlags;
  static override args = { class: Args.string({ required: false }) };
  static override examples = [
    { description: 'the class Sums of sums.py in this folder', command: 'map-work sums:Sums' },
    {
      description: 'a class that was written for dranspose',
      command: 'map-work src.worker:TestWorker --alias-dranspose',
    },
    {
      description: 'JavaScript, for events with a tag',
      command: 'map-work --js sums.mjs --tags generic,fast --name w1',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(MapWork);
    const say = (message: string) => this.say(message);
    const name = workerName(flags.name);
    const tags = tagsOf(flags.tags);
    const hold = parseBytes(flags.hold, '--hold', { least: 1, most: TB });
    const address = redisAddress(flags.redis, { insecure: flags.insecure });
    const path = args.class ?? (flags.js === undefined ? process.env.WORKER_CLASS : undefined);
    const payload = await openWorkerPayload(path, flags, say).catch(refusePayload);
    const registry = await Registry.open({ address, prefix: flags.prefix, say }).catch(async (error: unknown) => {
      await payload.close();
      throw error;
    });
    const stopOnError = errorPolicy(flags['on-error']).stop;
    const service = new WorkerService(registry, {
      name,
      tags,
      payload,
      hold,
      sharedMemory: flags['shared-memory'],
      stopOnError,
      version: buildVersion(),
      say,
    });
    await this.observe({ balance: () => service.balance(), meters: service.meters }, flags.metrics);
    say(`${name} is ready for maps`);
    try {
      await service.run(this.lifecycle.stop);
    } finally {
      await registry.close();
    }
    const balance = service.balance();
    const lossy = balance.in !== balance.out || imbalance(balance) !== 0;
    this.verdict(service.failure ? 'E' : lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(balance)}`);
    if (service.failure) {
      this.say(service.failure.message);
      return EXIT.no;
    }
    return lossy ? EXIT.loss : EXIT.ok;
  }
}
