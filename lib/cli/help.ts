/** `--help`: usage, options by group, examples, where to read on. */

import { colour } from './colour.ts';
import { type CommandClass, groupedOptions, metadataOf, type OptionMeta, optionLabel } from './metadata.ts';

const LABEL_WIDTH = 30;

/** Prints the help of a command to stdout. */
export function showHelp(command: CommandClass, name: string): void {
  const meta = metadataOf(command, name);
  const lines = [`${colour.bold(name)}: ${meta.summary}`, '', `${colour.bold('USAGE')}`, `  ${name} ${meta.usage}`];
  for (const [group, options] of groupedOptions(meta)) {
    lines.push('', colour.bold(group), ...options.flatMap(optionLines));
  }
  if (meta.examples.length > 0) {
    lines.push('', colour.bold('EXAMPLES'));
    for (const example of meta.examples) {
      if (example.description) lines.push(colour.dim(`  # ${example.description}`));
      lines.push(`  ${example.command}`);
    }
  }
  lines.push('', `Exit statuses and all details: man ${name}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function optionLines(option: OptionMeta): string[] {
  const label = optionLabel(option);
  const extras = [
    option.choices.length > 0 && option.value !== option.choices.join('|') ? `one of ${option.choices.join(', ')}` : '',
    option.defaultText === undefined ? '' : `default ${option.defaultText}`,
    option.multiple ? 'may be repeated' : '',
  ].filter((extra) => extra !== '');
  const text = `${option.summary}${extras.length > 0 ? ` (${extras.join('; ')})` : ''}`;
  const padded = label.padEnd(LABEL_WIDTH);
  return label.length > LABEL_WIDTH
    ? [`  ${label}`, `  ${' '.repeat(LABEL_WIDTH)}  ${text}`]
    : [`  ${padded}  ${text}`];
}
