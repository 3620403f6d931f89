// Shell completion from the commands' own metadata: dist/completion/daqpipe.bash and dist/completion/_daqpipe (zsh).

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
let commands;
let names;

const flagsOf = (meta) =>
  meta.options.flatMap(({ name, char }) => [
    ...(char ? [`-${char}`] : []),
    ...(name.startsWith('[no-]') ? [`--${name.slice(5)}`, `--no-${name.slice(5)}`] : [`--${name}`]),
  ]);

function bash() {
  const options = commands.map(
    (meta) => `    ${meta.name}) echo '${[...flagsOf(meta), '--help', '--version'].join(' ')}' ;;`,
  );
  const choices = commands.flatMap((meta) =>
    meta.options
      .filter(({ choices }) => choices.length > 0)
      .map(({ name, choices }) => `    ${meta.name}:--${name}) echo '${choices.join(' ')}' ;;`),
  );
  return `# bash completion for daqpipe; source this file
_daqpipe_options() {
  case "$1" in
${options.join('\n')}
  esac
}
_daqpipe_choices() {
  case "$1:$2" in
${choices.join('\n')}
  esac
}
_daqpipe() {
  local command="\${COMP_WORDS[0]##*/}" word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$command" = daqpipe ]; then
    if [ "$COMP_CWORD" -eq 1 ]; then
      COMPREPLY=($(compgen -W '${names.filter((name) => name !== 'daqpipe').join(' ')} --help --version' -- "$word"))
      return
    fi
    command="\${COMP_WORDS[1]}"
  fi
  # bash splits --option=value at the equals sign
  if [ "$word" = '=' ]; then word=''; elif [ "$before" = '=' ]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  local choices
  choices="$(_daqpipe_choices "$command" "$before")"
  if [ -n "$choices" ]; then
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
  elif [ "\${word:0:1}" = '-' ]; then
    COMPREPLY=($(compgen -W "$(_daqpipe_options "$command")" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _daqpipe ${names.join(' ')}
`;
}

const quote = (text) =>
  text.replaceAll("'", "'\\''").replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:');

function zsh() {
  const cases = commands.map((meta) => {
    const specs = meta.options.flatMap(({ name, char, value, summary, choices }) => {
      const action =
        value === undefined || value === null
          ? ''
          : `:${quote(value)}:${choices.length > 0 ? `(${choices.join(' ')})` : '_files'}`;
      const longs = name.startsWith('[no-]') ? [`--${name.slice(5)}`, `--no-${name.slice(5)}`] : [`--${name}`];
      return [
        ...longs.map((long) => `'${long}${action ? '=' : ''}[${quote(summary)}]${action}'`),
        ...(char ? [`'-${char}[${quote(summary)}]${action}'`] : []),
      ];
    });
    return `    ${meta.name}) _arguments -s ${specs.join(' ')} '*:file:_files' ;;`;
  });
  return `#compdef ${names.join(' ')}
_daqpipe_command() {
  case "$1" in
${cases.join('\n')}
  esac
}
if [[ $service == daqpipe ]]; then
  if (( CURRENT == 2 )); then
    compadd -- ${names.filter((name) => name !== 'daqpipe').join(' ')}
  else
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    _daqpipe_command $command
  fi
else
  _daqpipe_command $service
fi
`;
}

/** Writes both files into `folder`/completion. */
export function writeCompletion(folder) {
  const dist = join(root, folder);
  commands = JSON.parse(readFileSync(join(dist, 'commands.json'), 'utf8'));
  names = commands.map(({ name }) => name);
  mkdirSync(join(dist, 'completion'), { recursive: true });
  writeFileSync(join(dist, 'completion', 'daqpipe.bash'), bash());
  writeFileSync(join(dist, 'completion', '_daqpipe'), zsh());
}
