// Man pages: metadata of the commands (dist/commands.json) plus prose (man/NAME.md) -> dist/man/man1/NAME.1.
// Other pages (formats, section 5) are prose only: man/NAME.5.md -> dist/man/man5/NAME.5.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
let dist;
let commands;
let exitTable;
const read = (...parts) => readFileSync(join(root, ...parts), 'utf8');
const { version } = JSON.parse(read('package.json'));
const date = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000) * 1000).toISOString().slice(0, 10);
const converter = join(
  dirname(createRequire(import.meta.url).resolve('marked-man/package.json')),
  'bin',
  'marked-man.js',
);

/** Markdown eats what looks like markup in plain metadata. */
const literal = (text) => text.replace(/([*_`<>[\]|\\])/g, '\\$1');

function commandPage(meta) {
  const prose = join('man', `${meta.name}.md`);
  return [
    `# ${meta.name}(1) -- ${meta.summary}`,
    '## SYNOPSIS',
    `\`${meta.name}\` ${literal(meta.usage)}`,
    existsSync(join(root, prose)) ? read(prose).trim() : '',
    '## OPTIONS',
    ...meta.options.map(optionText),
    ...(meta.examples.length > 0 ? ['## EXAMPLES', ...meta.examples.map(exampleText)] : []),
    '## EXIT STATUS',
    ...exitTable.map(([status, meaning]) => `* **${status}**:\n  ${literal(meta.exitMeanings[status] ?? meaning)}`),
    '## SEE ALSO',
    `${
      commands
        .filter(({ name, concern }) => name !== meta.name && (concern === meta.concern || name === 'daqpipe'))
        .map(({ name }) => `**${name}**(1)`)
        .join(', ') || '**daqpipe**(1)'
    }`,
  ].join('\n\n');
}

function optionText(option) {
  const names = `${option.char ? `\`-${option.char}\`, ` : ''}\`--${option.name}\`${option.value ? `=*${literal(option.value)}*` : ''}`;
  const notes = [
    option.choices.length > 0 ? `One of ${option.choices.join(', ')}.` : '',
    option.defaultText === undefined || option.defaultText === null ? '' : `The default is ${option.defaultText}.`,
    option.multiple ? 'May be given more than once.' : '',
    option.description ?? '',
  ].filter(Boolean);
  return `* ${names}:\n  ${literal(sentence(option.summary))}${notes.length > 0 ? ` ${literal(notes.join(' '))}` : ''}`;
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function exampleText({ description, command }) {
  return `${description ? `${literal(sentence(description))}\n\n` : ''}    ${command}`;
}

/** What the converter writes, in the form that mandoc's linter asks for. */
function tidy(roff) {
  return roff
    .replace(/^(\.TH "[^"]*" "\d" )"[^"]*"/m, `$1"${date}"`)
    .replace(/^(\.SH .*)\n\.P\n/gm, '$1\n')
    .replace(/^(\.S[SH] .*)\n\n+/gm, '$1\n')
    .replace(/\n{2,}/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .split('\n')
    .reduce(wrapOutside, { lines: [], literal: false })
    .lines.join('\n');
}

/** Wraps text lines at 78 bytes, but not literal blocks and requests. */
function wrapOutside(state, line) {
  if (line === '.nf' || line === '.fi') state.literal = line === '.nf';
  if (state.literal || line.startsWith('.') || line.length <= 78) state.lines.push(line);
  else state.lines.push(...wrap(line));
  return state;
}

function wrap(line) {
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines.at(-1);
    if (last !== '' && last.length + 1 + word.length > 78) lines.push(/^[.']/.test(word) ? `\\&${word}` : word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

function write(section, name, markdown) {
  const folder = join(dist, 'man', `man${section}`);
  mkdirSync(folder, { recursive: true });
  const args = [
    converter,
    '--version',
    `daqpipe ${version}`,
    '--section',
    section,
    '--name',
    name,
    '--manual',
    'daqpipe',
  ];
  const roff = execFileSync(process.execPath, args, {
    input: markdown,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  writeFileSync(join(folder, `${name}.${section}`), tidy(roff));
}

/** Writes all pages into `folder`/man. */
export function writeManPages(folder) {
  dist = join(root, folder);
  commands = JSON.parse(read(folder, 'commands.json'));
  exitTable = JSON.parse(read(folder, 'exit-codes.json'));
  for (const meta of commands) write('1', meta.name, commandPage(meta));
  for (const file of readdirSync(join(root, 'man'))) {
    const match = /^(.+)\.(5|7)\.md$/.exec(file);
    if (match) write(match[2], match[1], read('man', file));
  }
}
