import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('..', import.meta.url));
const man = join(root, 'dist', 'man');

t.test('every man page passes the linter of mandoc', (t) => {
  const pages = readdirSync(man).flatMap((section) =>
    readdirSync(join(man, section)).map((page) => join(section, page)),
  );
  for (const page of pages) {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', page], { cwd: man, encoding: 'utf8' });
    t.equal(stdout, '', page);
  }
  t.end();
});

t.test('every command has an executable, a man page with prose, a line in package.json, and help', (t) => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  const commands = readdirSync(join(root, 'commands')).map((file) => file.replace(/\.ts$/, ''));
  for (const name of commands) {
    t.equal(bin[name], `bin/${name}`, `${name} is in package.json`);
    t.ok(existsSync(join(man, 'man1', `${name}.1`)), `${name} has a man page`);
    t.ok(existsSync(join(root, 'man', `${name}.md`)), `${name} has prose`);
    const { stdout, status } = spawnSync(join(root, 'bin', name), ['--help'], { encoding: 'utf8' });
    t.equal(status, 0, `${name} --help ends well`);
    t.match(stdout, new RegExp(`^${name}: `), `${name} --help says what it is`);
  }
  t.end();
});

t.test('bash completes options and their choices', (t) => {
  const script = (words: string[]) =>
    `source dist/completion/daqpipe.bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _daqpipe; echo "\${COMPREPLY[@]}"`;
  const complete = (...words: string[]) =>
    spawnSync('bash', ['-c', script(words)], { cwd: root, encoding: 'utf8' }).stdout.trim();
  t.equal(complete('dgram-cat', '--resy'), '--resync');
  t.equal(complete('dgram-cat', '--format', 'js'), 'jsonl');
  t.equal(complete('daqpipe', 'dgram-c'), 'dgram-cat');
  t.equal(complete('daqpipe', 'dgram-cat', '--foll'), '--follow');
  t.end();
});
