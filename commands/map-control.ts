import * as Args from '@oclif/core/args';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import { LockLost } from '../lib/mapreduce/control/fence.ts';
import {
  type ControlFlags,
  controlFlags,
  controllerOptions,
  hostOf,
  limitsOf,
  portOf,
} from '../lib/mapreduce/control/flags.ts';
import { mapOf } from '../lib/mapreduce/control/plan.ts';
import {
  ACTIONS,
  type Action,
  ControlClient,
  isWhole,
  progressLine,
  readMapFile,
} from '../lib/mapreduce/http/client.ts';
import { serveController } from '../lib/mapreduce/http/serve-controller.ts';
import { MapRefused } from '../lib/mapreduce/map/types.ts';
import { redisAddress } from '../lib/mapreduce/redis/connect.ts';
import { Registry } from '../lib/mapreduce/redis/registry.ts';
import { simulateCase } from '../lib/mapreduce/simulate.ts';

export default class MapControl extends DaqCommand {
  static override summary = 'give the events of many streams to workers by a trigger map';
  static override usageLine =
    '[options] | post MAP | append MAP | close | stop | status | watch | --simulate CASE | --check MAP';
  static override concern = 'mapreduce' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'ended by a signal; as a client: done, or the scan is complete, and no event damaged or incomplete',
    '1': 'the map was refused, or a post in a case was',
    '2': 'wrong usage, an unreadable file, or Redis or the controller does not answer',
    '3': 'ended with events that are damaged, incomplete or not finished; --simulate: damaged or not finished',
    '4': 'the lock was lost: another controller has taken over',
  };
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = controlFlags;
  static override args = { action: Args.string({ options: [...ACTIONS] }), map: Args.string() };
  static override examples = [
    { description: 'the controller of this machine', command: 'map-control' },
    { description: 'post a map, and wait until it is done', command: 'map-control post scan.json --wait' },
    { description: 'what would be assigned?', command: 'map-control --simulate case.json --format jsonl' },
    { description: 'is this a trigger map?', command: 'map-control --check scan.json' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(MapControl);
    if (flags.simulate !== undefined) return this.simulate(flags.simulate);
    if (flags.check !== undefined) return this.check(flags.check);
    if (args.action !== undefined) return this.ask(args.action as Action, args.map, flags);
    return this.serve(flags);
  }

  private async simulate(file: string): Promise<ExitStatus> {
    const { lines, status } = simulateCase(readMapFile(file), file);
    for (const line of lines) this.out.line(JSON.stringify(line));
    return status;
  }

  private check(file: string): ExitStatus {
    try {
      const { parts, sequence } = mapOf(readMapFile(file));
      const events = sequence.reduce((sum, name) => sum + (parts.get(name)?.length ?? 0), 0);
      this.out.line(`${file}: ${events} events, ${sequence.length} instances of ${parts.size} parts`);
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof MapRefused)) throw error;
      this.say(`${file}: ${error.code}: ${error.message}`);
      return EXIT.no;
    }
  }

  private async ask(action: Action, file: string | undefined, { url, wrap, wait }: ControlFlags): Promise<ExitStatus> {
    const client = new ControlClient(url);
    if ((action === 'post' || action === 'append') !== (file !== undefined)) {
      throw new UsageError(file === undefined ? `${action} needs a map: a file, or -` : `${action} takes no file`);
    }
    switch (action) {
      case 'post':
        this.out.line(await client.post(readMapFile(file!), wrap));
        return wait ? this.watch(client) : EXIT.ok;
      case 'append':
        await client.append(readMapFile(file!));
        return EXIT.ok;
      case 'close':
        await client.close();
        return EXIT.ok;
      case 'stop':
        await client.stop();
        return EXIT.ok;
      case 'status':
        this.out.line(JSON.stringify(await client.progress()));
        return EXIT.ok;
      case 'watch':
        return this.watch(client);
    }
  }

  /** A line per change; at the end whether everything is as it should be. */
  private async watch(client: ControlClient): Promise<ExitStatus> {
    let clean = false;
    for await (const progress of client.watch(this.lifecycle.stop)) {
      this.out.line(progressLine(progress));
      await this.out.drain();
      clean = isWhole(progress);
    }
    return clean ? EXIT.ok : EXIT.loss;
  }

  private async serve(flags: ControlFlags & { metrics?: string | undefined }): Promise<ExitStatus> {
    const say = (text: string) => this.say(text);
    const places = { host: hostOf(flags), port: portOf(flags), limits: limitsOf(flags), cors: flags.cors };
    const options = { ...controllerOptions(flags), ...places, stop: this.lifecycle.stop, say };
    const registry = await Registry.open({ address: redisAddress(flags.redis, flags), prefix: flags.prefix, say });
    try {
      const served = await serveController({ ...options, registry });
      const { controller, stage, url } = served;
      await this.observe(stage, flags.metrics);
      this.out.line(url);
      await this.out.drain();
      const failure = await Promise.race([controller.failure, stopped(this.lifecycle.stop)]);
      const balance = stage.balance();
      await served.close();
      if (failure instanceof LockLost) {
        this.verdict('E', `${failure.message}; ${formatBalance(balance)}`);
        return EXIT.disconnected;
      }
      if (failure) throw failure;
      const loss = Object.values(balance.losses).some((count) => count > 0);
      this.verdict(loss ? 'W' : 'I', `${loss ? 'LOSS' : 'OK'} ${formatBalance(balance)}`);
      return loss ? EXIT.loss : EXIT.ok;
    } finally {
      await registry.close();
    }
  }
}

function stopped(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
