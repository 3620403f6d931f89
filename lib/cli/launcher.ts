/**
 * Start-up of every executable in bin/: loads the bundle of one command with V8's code cache. Reading the compiled code back
 * brings a command to about 1.3 times a bare `node -e 0` (bench/startup); oclif's own start-up takes 4 to 5 times.
 */

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { Script } from 'node:vm';

interface Bundle {
  default: { main(argv: string[], name: string): Promise<void> };
}

/** Runs command `name`; `daqpipe NAME ...` runs NAME. */
export function launch(name: string): void {
  // Before anything else: without a listener Node opens its debugger on SIGUSR1.
  process.on('SIGUSR1', () => {});
  let argv = process.argv.slice(2);
  let command = name;
  if (name === 'daqpipe' && argv[0] !== undefined && isCommand(argv[0])) {
    command = argv[0];
    argv = argv.slice(1);
  }
  const bundle = load(bundlePath(command));
  void bundle.default.main(argv, command);
}

function bundlePath(name: string): string {
  return join(__dirname, 'commands', `${name}.cjs`);
}

function isCommand(word: string): boolean {
  return word === basename(word) && !word.startsWith('-') && existsSync(bundlePath(word));
}

function load(file: string): Bundle {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch {
    process.stderr.write(
      `daqpipe: ${basename(file)} has not been built yet: run "npm run build" in the daqpipe folder\n`,
    );
    process.exit(70);
  }
  const cacheFile = `${file}.${process.version}-${process.arch}.cache`;
  const cached = readCache(cacheFile);
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: file,
    ...(cached ? { cachedData: cached } : {}),
  });
  const module = { exports: {} as Bundle };
  const wrapper = script.runInThisContext() as (...args: unknown[]) => void;
  wrapper(module.exports, createRequire(file), module, file, join(file, '..'));
  if (!cached || script.cachedDataRejected) process.on('exit', () => writeCache(cacheFile, script));
  return module.exports;
}

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** A folder that cannot be written only costs start-up time, so that is no error. */
function writeCache(file: string, script: Script): void {
  const temporary = `${file}.${process.pid}`;
  try {
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, file);
  } catch {
    return;
  }
}
