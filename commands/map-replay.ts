import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { parseAddress } from '../lib/cli/http-address.ts';
import { UsageError } from '../lib/errors.ts';
import { advertisedUrl } from '../lib/mapreduce/address/advertise.ts';
import { thisHost } from '../lib/mapreduce/address/socket.ts';
import { HttpServer } from '../lib/mapreduce/http/server.ts';
import { openReducerPayload, openWorkerPayload, pythonOptions } from '../lib/mapreduce/payload/flags.ts';
import { refusePayload } from '../lib/mapreduce/payload/refuse.ts';
import type { ReducerPayload } from '../lib/mapreduce/payload/types.ts';
import { resultForm, writeResultFile } from '../lib/mapreduce/reduce/result-file.ts';
import { explainTree, TreeApi } from '../lib/mapreduce/reduce/tree-api.ts';
import { classOrModule, dealing, parametersFrom, rateFrom, replayFlags } from '../lib/mapreduce/replay/flags.ts';
import { openInput } from '../lib/mapreduce/replay/inputs.ts';
import { Merge } from '../lib/mapreduce/replay/merge.ts';
import { Replay } from '../lib/mapreduce/replay/replay.ts';
import { SourceClass } from '../lib/mapreduce/replay/source-class.ts';

export default class MapReplay extends DaqCommand {
  static override summary = 'run worker and reducer classes on recordings, without Redis';
  static override usageLine = '-w CLASS [-r CLASS] -f FILE... [options]';
  static override concern = 'mapreduce' as const;
  static override exitMeanings = {
    '1': 'a class cannot be used, or a file is none',
    '3': 'done, but a file was cut or ended before the others, or events failed; the balance says how many',
  };
  static override baseFlags = { alias: processManagerFlags.alias, ...metricsFlag };
  static override flags = { ...replayFlags };
  static override examples = [
    {
      description: 'recordings of two ingesters of one scan',
      command: 'map-replay -w sums:Sums -r sums:Histogram -f det.cbors -f mot.cbors',
    },
    {
      description: 'events that met on one worker meet again; look at the results with h5pyd',
      command: 'map-replay -w sums:Sums -r sums:Histogram -f det.cbors --map mapping.json --port 5001 --keep-alive',
    },
    {
      description: 'JavaScript on a packed recording',
      command: 'map-replay -w sums.mjs -r histogram.mjs -f det.cbors.gz',
    },
    {
      description: 'images of an HDF5 file beside dgrams of a run; what was published goes to a file',
      command: 'map-replay -w sums:Sums -r sums:Histogram -f det=run.h5:/entry/data -f cam=run.xtc2 --save sums.h5',
    },
  ];

  /** Processes and sockets that must not outlive us, whatever happens. */
  private readonly open: { close(): Promise<unknown> }[] = [];

  override async run(): Promise<ExitStatus> {
    try {
      return await this.replay();
    } catch (error) {
      return refusePayload(error);
    } finally {
      await Promise.all(this.open.map((one) => one.close()));
    }
  }

  private keep<T extends { close(): Promise<unknown> }>(one: T): T {
    this.open.push(one);
    return one;
  }

  private async replay(): Promise<ExitStatus> {
    const { flags } = await this.parse(MapReplay);
    const say = (message: string) => this.say(message);
    const saved = flags.save === undefined ? undefined : resultForm(flags.save, '--save');
    const parameters = parametersFrom(flags.parameters);
    const { names, deal } = dealing(flags);
    const rate = rateFrom(flags.rate);
    const inputs = await Promise.all((flags.file ?? []).map((file) => openInput(file, flags.python)));
    const source = flags.source === undefined ? undefined : await this.source(flags.source, flags);
    if (inputs.length === 0 && !source) throw new UsageError('what is to be replayed? -f FILE or -s MODULE:CLASS');
    const merge = new Merge([...inputs, ...((await source?.sources()) ?? [])]);
    const { path, js } = classOrModule(flags.worker);
    const open = async (name: string) => ({
      name,
      payload: this.keep(await openWorkerPayload(path, { ...flags, js }, say)),
    });
    const workers = await Promise.all(names.map(open));
    const reducing = flags.reducer === undefined ? undefined : classOrModule(flags.reducer);
    const reducer = reducing
      ? this.keep(await openReducerPayload(reducing.path, { ...flags, js: reducing.js }, say))
      : undefined;
    const described = [...workers.map(({ payload }) => payload), ...(reducer ? [reducer] : [])].flatMap(
      ({ facts }) => facts.descriptions,
    );
    for (const { name } of parameters)
      if (!described.some((one) => one.name === name)) say(`no class has a parameter ${name}`);
    await this.serve(reducer, flags.port);
    const replay = new Replay({ merge, deal, workers, reducer, parameters, rate, say });
    await this.observe({ balance: () => replay.balance() }, flags.metrics);
    await replay.run(this.lifecycle.stop);
    const balance = replay.balance();
    const cut = inputs.filter(({ damage }) => damage !== undefined);
    for (const { name, damage } of cut) say(`${name}: ${damage!.message}`);
    for (const { name, last } of merge.short)
      say(`${name} ends ${last === undefined ? 'at once' : `with event ${last}`}, before the others`);
    if (flags.save !== undefined && saved && reducer) await writeResultFile(reducer, flags.save, saved, say);
    const isShort = merge.short.some(({ name }) => inputs.some((input) => input.name === name));
    const lossy = cut.length > 0 || isShort || balance.in !== balance.out || replay.counts.refused > 0;
    this.verdict(lossy ? 'W' : 'I', `${lossy ? 'LOSS' : 'OK'} ${formatBalance(balance)}`);
    if (flags['keep-alive']) await stopped(this.lifecycle.stop);
    return lossy ? EXIT.loss : EXIT.ok;
  }

  private async source(path: string, flags: Parameters<typeof pythonOptions>[2]): Promise<SourceClass> {
    const options = await pythonOptions('source', path, flags, (message) => this.say(message));
    return this.keep(new SourceClass({ ...options, retries: 0, encoding: 'cbor' }));
  }

  private async serve(reducer: ReducerPayload | undefined, address: string | undefined): Promise<void> {
    if (address === undefined) return;
    const { host, port } = parseAddress(address, '--port');
    const created = Date.now() / 1000;
    const tree = new TreeApi(
      () => reducer,
      () => created,
    );
    const say = (message: string) => this.say(message);
    const http = this.keep(new HttpServer({ routes: tree.routes, explain: explainTree, cors: undefined, say }));
    this.out.line(advertisedUrl(await http.listen(host, port), thisHost()));
    await this.out.drain();
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
