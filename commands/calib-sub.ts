import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { listen } from '../lib/calib/subscribe/listen.ts';
import { messageJson, messageLines } from '../lib/calib/subscribe/print.ts';
import type { ReceivedPickle, ReceivedSet } from '../lib/calib/subscribe/received.ts';
import { saveSet } from '../lib/calib/subscribe/save.ts';
import { DaqCommand, jsonFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import { localCalibEndpoint } from '../lib/ipc/calib-endpoint.ts';

export default class CalibSub extends DaqCommand {
  static override summary = 'show which calibration constants a subscriber gets';
  static override usageLine = 'ENDPOINT|-d NAME[:SEGMENT] [options]';
  static override concern = 'calibration' as const;
  static override baseFlags = { ...processManagerFlags, ...jsonFlag };
  static override args = { endpoint: Args.string({ description: 'ipc://PATH or tcp://HOST:PORT' }) };
  static override flags = {
    detector: Flags.string({
      char: 'd',
      summary: 'the calib-pub of this detector, or of one segment of it, on this machine',
      helpValue: 'NAME[:SEGMENT]',
      helpGroup: 'SUBSCRIPTION',
    }),
    count: Flags.integer({
      char: 'n',
      summary: 'messages to take; 0 goes on until stopped',
      helpValue: 'N',
      default: 1,
      min: 0,
      helpGroup: 'SUBSCRIPTION',
    }),
    wait: Flags.integer({
      summary: 'give up when nothing comes for so long; the default is to wait',
      helpValue: 'S',
      min: 1,
      helpGroup: 'SUBSCRIPTION',
    }),
    save: Flags.string({
      summary: 'write the constants to a new folder, as drp-python --constants reads them',
      description: 'With another -n than 1 each run gets a folder of its own in it.',
      helpValue: 'DIR',
      helpGroup: 'RESULT',
    }),
  };
  static override examples = [
    { description: 'what do workers of epix_0 get?', command: 'calib-sub -d epix:0' },
    { description: 'the same from another machine', command: 'calib-sub tcp://drp-node:5560 --json' },
    { description: 'keep them for work at home', command: 'calib-sub -d epix --save constants/' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(CalibSub);
    const endpoint = args.endpoint ?? this.local(flags.detector, flags.partition);
    const { stop } = this.lifecycle;
    let left = flags.count === 0 ? Number.POSITIVE_INFINITY : flags.count;
    const wait = flags.wait === undefined ? undefined : flags.wait * 1000;
    for await (const { message, repeat } of listen({ endpoint, wait, stop })) {
      if (repeat) {
        this.say('the publisher was started again; its first message repeats what came before');
        continue;
      }
      if (flags.json) this.out.line(messageJson(message));
      else for (const line of messageLines(message)) this.out.line(line);
      await this.out.drain();
      if (flags.save !== undefined) this.save(message, flags.save, flags.count !== 1);
      if (--left === 0) return EXIT.ok;
    }
    if (stop.aborted || flags.count === 0) return EXIT.ok;
    this.say(`${endpoint}: nothing came for ${flags.wait} s`);
    return EXIT.loss;
  }

  private local(detector: string | undefined, partition = 0): string {
    if (detector === undefined) throw new UsageError('which publisher? calib-sub ENDPOINT, or -d NAME[:SEGMENT]');
    return localCalibEndpoint(partition, detector.replace(/:(\d+)$/, '_$1'));
  }

  private save(message: ReceivedSet | ReceivedPickle, folder: string, severalRuns: boolean): void {
    if (message.format !== 'npy-frames') {
      throw new UsageError('--save: a pickle is not read here; let calib-pub --bind an endpoint of npy-frames');
    }
    saveSet(message, severalRuns ? join(folder, `run${String(message.run).padStart(4, '0')}`) : folder);
  }
}
