/** Texts and enums. */

import type { Content, GeneratorKind } from '../content.ts';
import type { Section } from '../section.ts';

export function textOf(text: string): Content {
  return { generator: 'text', params: { value: text }, type: 'CHARSTR', ranks: 'scalar', constant: true, text };
}

const text: GeneratorKind = {
  name: 'text',
  summary: 'the same text in every event',
  keys: 'value',
  read(section) {
    const value = section.text('value', '');
    if (value.includes('\0')) section.problem('value', 'a text must not contain a NUL character');
    return textOf(value.replaceAll('\0', ''));
  },
};

const LABEL = { pattern: /^[0-9A-Za-z_.]+$/, what: 'a label of 0-9 A-Z a-z _ .' };
const ORDERS = ['cycle', 'random'] as const;

/** `{Off: 0, On: 1}`, or a list of labels that are numbered from 0. */
export function readLabels(section: Section, key: string): Record<string, number> {
  const value = section.raw(key);
  const labels: Record<string, number> = Object.create(null);
  if (Array.isArray(value)) {
    value.forEach((label: unknown, index) => {
      if (typeof label === 'string' && LABEL.pattern.test(label)) labels[label] = index;
      else section.problem(key, `item ${index + 1} must be ${LABEL.what}`);
    });
  } else {
    const map = section.section(key, 'labels with their numbers');
    for (const label of map?.keys() ?? []) {
      if (!LABEL.pattern.test(label)) map!.problem(label, `must be ${LABEL.what}`);
      labels[label] = map!.integer(label, 0, -0x80000000, 0x7fffffff);
    }
  }
  if (Object.keys(labels).length === 0) section.problem(key, 'an enum needs labels, for example {Off: 0, On: 1}');
  return labels;
}

const choice: GeneratorKind = {
  name: 'enum',
  summary: 'one of several labels, in turn or at random',
  keys: 'labels, order (cycle, random), value (always this label)',
  read(section) {
    const labels = readLabels(section, 'labels');
    const order = section.choice('order', ORDERS, 'cycle');
    const numbers = Object.values(labels);
    const fixed = section.has('value') ? section.text('value', '') : undefined;
    if (fixed !== undefined && !(fixed in labels)) {
      section.problem('value', `must be one of ${Object.keys(labels).join(', ')}, not "${fixed}"`);
    }
    const base = { generator: 'enum', type: 'ENUMVAL', ranks: 'scalar', labels } as const;
    if (fixed !== undefined) {
      const value = labels[fixed] ?? 0;
      return { ...base, params: { labels, value: fixed }, constant: true, scalar: () => () => value };
    }
    return {
      ...base,
      params: { labels, order },
      scalar: (random) => {
        let turn = 0;
        return () => numbers[order === 'random' ? random.below(numbers.length) : turn++ % numbers.length] ?? 0;
      },
    };
  },
};

export const LABEL_GENERATORS: readonly GeneratorKind[] = [text, choice];
