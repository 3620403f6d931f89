import { closeSync, openSync, writeSync } from 'node:fs';
import * as Args from '@oclif/core/args';
import { parseDetectors } from '../lib/calib/fetch-flags.ts';
import { Answers } from '../lib/calib/serve/answers.ts';
import { Faults, parseFail } from '../lib/calib/serve/faults.ts';
import { serveFlags } from '../lib/calib/serve/flags.ts';
import { CalibServer, type RequestLine } from '../lib/calib/serve/server.ts';
import { openShelf } from '../lib/calib/source/open.ts';
import { formatBalance } from '../lib/cli/balance.ts';
import { DaqCommand, metricsFlag, processManagerFlags } from '../lib/cli/command.ts';
import { EXIT, type ExitStatus } from '../lib/cli/exit-codes.ts';
import { DaqError } from '../lib/errors.ts';
import { explain } from '../lib/stream/source.ts';

export default class CalibServe extends DaqCommand {
  static override summary = 'serve calibration constants of a folder as the web service does';
  static override usageLine = 'DIR|BUNDLE [options]';
  static override concern = 'calibration' as const;
  static override baseFlags = { ...processManagerFlags, ...metricsFlag };
  static override flags = serveFlags;
  static override args = { shelf: Args.string({ required: true, description: 'folder of constants, or a bundle' }) };
  static override examples = [
    { description: 'constants without a network', command: 'calib-serve examples/calib' },
    {
      description: 'for programs that look at the environment',
      command: 'calib-serve DIR --port 8700 & export LCLS_CALIB_HTTP=http://127.0.0.1:8700/calib_ws',
    },
    {
      description: 'a folder named as the detector is called, served under its unique id',
      command: 'calib-serve DIR --det epix=epix100:3925868555',
    },
    { description: 'what happens when the service is overloaded twice?', command: 'calib-serve DIR --fail 503:2' },
  ];

  override async run(): Promise<ExitStatus> {
    const { args, flags } = await this.parse(CalibServe);
    const source = openShelf(args.shelf);
    const detectors = parseDetectors(flags.det ?? []);
    const faults = new Faults({
      ...(flags.fail === undefined ? {} : { fail: parseFail(flags.fail) }),
      ...(flags.cut === undefined ? {} : { cut: flags.cut }),
    });
    const log = openLog(flags.log, (message) => this.say(message));
    const server = new CalibServer({
      answers: new Answers(source, detectors),
      faults,
      host: flags.host,
      port: flags.port,
      delay: flags.delay,
      onRequest: (line) => log.write(line),
      note: (message) => this.say(message),
    });
    try {
      if ((await source.folders()).length === 0) this.say(`${args.shelf} holds no constants yet`);
      const url = await server.listen();
      await this.observe(
        {
          balance: () => server.balance(),
          meters: [{ name: 'http_bytes_total', help: 'Bytes of answers', kind: 'counter', value: () => server.bytes }],
        },
        flags.metrics,
      );
      this.out.line(url);
      await this.out.drain();
      await stopped(this.lifecycle.stop);
    } finally {
      await server.close();
      log.close();
    }
    this.verdict('I', `OK ${formatBalance(server.balance())}`);
    return EXIT.ok;
  }
}

interface RequestLog {
  write(line: RequestLine): void;
  close(): void;
}

/** Written line by line, because somebody waits for them. @throws DaqError `output-failed` */
function openLog(file: string | undefined, say: (message: string) => void): RequestLog {
  if (file === undefined) return { write: () => {}, close: () => {} };
  const fd = attempt(file, () => openSync(file, 'a'));
  return {
    write: (line) => {
      try {
        attempt(file, () => writeSync(fd, `${JSON.stringify(line)}\n`));
      } catch (error) {
        say(`${file}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    close: () => closeSync(fd),
  };
}

function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file }, cause: error });
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
