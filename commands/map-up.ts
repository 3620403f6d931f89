import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { UsageError } from '../lib/errors.ts';
import { readMapFile } from '../lib/mapreduce/http/client.ts';
import { RemoteTree } from '../lib/mapreduce/http/tree-client.ts';
import { resultForm, writeResultFile } from '../lib/mapreduce/reduce/result-file.ts';
import { accountOf, eventsLine, upLine } from '../lib/mapreduce/up/account.ts';
import { endsOf } from '../lib/mapreduce/up/ends.ts';
import { upFlags } from '../lib/mapreduce/up/flags.ts';
import { UpFolder } from '../lib/mapreduce/up/folder.ts';
import { Forgetter } from '../lib/mapreduce/up/forget.ts';
import { type Prepared, prepareEntries, prepareScan } from '../lib/mapreduce/up/prepare.ts';
import { UpProgressLine } from '../lib/mapreduce/up/progress-line.ts';
import { readScan } from '../lib/mapreduce/up/scan-file.ts';
import { UpSession } from '../lib/mapreduce/up/session.ts';
import { wholeText } from '../lib/stream/read-all.ts';
import { ALIVE, GRACE, NO_RESTART } from '../lib/supervise/config/yaml.ts';
import { macrosOf, superviseFlags } from '../lib/supervise/flags.ts';
import { Crew } from '../lib/supervise/local/crew.ts';
import { openProcessFile } from '../lib/supervise/open.ts';
import { environment } from '../lib/supervise/session.ts';

const { python, define } = superviseFlags;
const flags = { ...upFlags, python, define };
type UpFlags = Awaited<ReturnType<MapUp['flagsOf']>>['flags'];

/** What a scan file does not say of a process. */
const UNSAID = {
  ...{ host: undefined, flags: '', port: undefined, rtprio: undefined, conda: undefined },
  ...{ cores: undefined, envGroup: undefined, ready: ALIVE, restart: NO_RESTART, grace: GRACE },
};

export default class MapUp extends DaqCommand {
  static override summary = 'a whole map-reduce ensemble on this machine, by one command';
  static override usageLine = 'SCAN.yaml|.json|.cnf [options]';
  static override concern = 'mapreduce' as const;
  static override endsBySignal = true;
  static override exitMeanings = {
    '0': 'every event is complete, or a signal came and nothing was lost',
    '1': 'somebody could not be started, or did not stay up; the map was refused',
    '3': 'events are damaged, incomplete or not finished, or a process lost something; the balance says what',
  };
  static override baseFlags = { ...processManagerFlags };
  static override flags = flags;
  static override args = { file: Args.string({ required: true, description: 'scan file, or process file' }) };
  static override examples = [
    { description: 'a scan from its file to its result', command: 'map-up scan.yaml --result sums.json' },
    { description: 'stay, and take maps over HTTP', command: 'map-up beamline.yaml --no-once -o logs' },
    { description: 'the same processes as on the beamline', command: 'map-up beamline.cnf -p 2 --map scan.json' },
  ];

  private readonly line = new UpProgressLine(process.stderr);

  private flagsOf() {
    return this.parse(MapUp);
  }

  override async run(): Promise<ExitStatus> {
    const { args, flags: given } = await this.flagsOf();
    if (given.result !== undefined) resultForm(given.result, '--result');
    const folder = UpFolder.make();
    const release = this.lifecycle.onEmergency(() => folder.remove());
    let status: ExitStatus = EXIT.no;
    try {
      status = await this.up(args.file, given, await this.prepare(args.file, given, folder), folder);
      return status;
    } finally {
      const logs = status === EXIT.ok || given.logs !== undefined ? given.logs : folder.keepLogs();
      if (status !== EXIT.ok && logs !== undefined) this.say(`the logs are in ${logs}`);
      folder.remove();
      release();
    }
  }

  private async prepare(file: string, given: UpFlags, folder: UpFolder): Promise<Prepared & { platform?: number }> {
    const map = given.map === undefined ? undefined : readMapFile(given.map).toString();
    const over = map === undefined ? {} : { map };
    if (/\.(ya?ml|json)$/.test(file))
      return { ...(await prepareScan(readScan(wholeText(file), file), folder)), ...over };
    if (!/\.(cnf|py)$/.test(file))
      throw new UsageError(`${file}: a scan file ends in .yaml or .json, a process file in .cnf`);
    const { env } = process;
    const options = { platform: given.partition, macros: macrosOf(given.define), env, python: given.python };
    const { entries, platform } = await openProcessFile(file, options);
    const known = env.SERVICE_REDIS_DSN || env.REDIS_URL || undefined;
    const prepared = await prepareEntries(file, entries, folder, known);
    return { ...prepared, ...over, ...(platform === undefined ? {} : { platform }) };
  }

  private async up(
    file: string,
    given: UpFlags,
    { plan, redis, own, map, wrap, parameters, finite, platform }: Prepared & { platform?: number },
    folder: UpFolder,
  ): Promise<ExitStatus> {
    const say = (message: string) => {
      this.line.clear();
      this.say(message);
    };
    let session: UpSession | undefined;
    const crew = new Crew({
      file: {
        file,
        notation: 'yaml',
        platform,
        station: 0,
        entries: plan.entries.map((one) => ({ ...UNSAID, ...one })),
      },
      platform,
      logs: resolve(given.logs ?? folder.logs),
      env: environment(),
      takesAppended: (program) => program.startsWith('map-'),
      onChange: (id) => session?.changed(id),
    });
    const release = this.lifecycle.onEmergency(() => crew.kill());
    session = new UpSession({
      ...{ plan, crew, map, wrap, parameters, say, stop: this.lifecycle.stop },
      once: given.once ?? (map !== undefined && finite),
      forgetter: () => Forgetter.open({ redis, own }),
      show: (progress, rate) => this.line.show(upLine(progress, rate, crew.view().filter(isWorking).length)),
      finished: async () => {
        const { result } = given;
        if (result === undefined || plan.results === undefined) return;
        await writeResultFile(new RemoteTree(plan.results), result, resultForm(result, '--result'), say);
      },
    });
    this.lifecycle.onBalance(() =>
      session?.progress ? `map-up: ${eventsLine(session.progress)}` : 'map-up: no map yet',
    );
    const isWorking = ({ id, state }: { id: string; state: string }) =>
      state === 'running' && plan.members.some((member) => member.id === id && member.role === 'worker');
    try {
      await session.run();
    } finally {
      this.line.clear();
      crew.close();
      release();
    }
    const { lines, clean } = accountOf(endsOf(plan.members, crew.view()), session.progress, session.damaged);
    for (const line of lines) this.out.line(line);
    this.verdict(clean ? 'I' : 'W', `${clean ? 'OK' : 'LOSS'} ${lines[0] ?? 'no map was posted'}`);
    return clean ? EXIT.ok : EXIT.loss;
  }
}
