import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { ingestFlags, serviceOptions } from '../lib/mapreduce/ingest/flags.ts';
import { hasLoss, ingestBalance, ingestMeters, streamLines } from '../lib/mapreduce/ingest/report.ts';
import { IngestService } from '../lib/mapreduce/ingest/service.ts';
import { redisAddress } from '../lib/mapreduce/redis/connect.ts';
import { Registry } from '../lib/mapreduce/redis/registry.ts';

export default class MapIngest extends DaqCommand {
  static override summary = 'send the frames of detectors to the workers that got their events';
  static override usageLine = '--kind KIND --upstream URL --stream NAME [options]';
  static override concern = 'mapreduce' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'a signal came, and every frame that a worker should have had was sent',
    '1': 'a gap in the frame numbers with --gaps stop, or a damaged file',
    '3': 'a signal came, and frames were missing or lost; the balance says which',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = ingestFlags;
  static override examples = [
    {
      description: 'a detector that pushes STINS messages',
      command: 'map-ingest --kind stins --upstream tcp://detector:9999 --stream det',
    },
    {
      description: 'two streams, recorded for a later replay',
      command:
        'map-ingest --kind stins,pcap --stream det --upstream tcp://det:9999 --stream mot --upstream tcp://panda:5556 --dump scan.cbors',
    },
    {
      description: 'events of a pipeline',
      command: 'dgram-gen | map-ingest --kind xtc --upstream - --stream cam',
    },
  ];

  override async run(): Promise<ExitStatus> {
    const { flags } = await this.parse(MapIngest);
    const say = (text: string) => this.say(text);
    const options = serviceOptions(flags, say);
    const address = redisAddress(flags.redis, { insecure: flags.insecure });
    const registry = await Registry.open({ address, prefix: flags.prefix, say });
    const service = new IngestService(registry, options);
    await this.observe({ balance: () => ingestBalance(service), meters: ingestMeters(service) }, flags.metrics);
    this.lifecycle.onEmergency(() => service.ring?.unlink());
    try {
      await service.run(this.lifecycle.stop);
    } finally {
      await registry.close();
      for (const line of streamLines(service)) this.say(line);
    }
    const loss = hasLoss(service);
    this.verdict(loss ? 'W' : 'I', `${loss ? 'LOSS' : 'OK'} ${formatBalance(ingestBalance(service))}`);
    return loss ? EXIT.loss : EXIT.ok;
  }
}
