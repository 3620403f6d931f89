/** What a person or a script is told about a conversion. */

import { formatPlace } from '../errors.ts';
import { makeNamesId, rankOf } from '../xtc/describe.ts';
import { formatNamesId } from '../xtc/names.ts';
import type { DgramOptions } from './configure.ts';
import type { Config, Conversion } from './convert.ts';
import type { Problems } from './problem.ts';

const SHOWN = 100;

/** One line per problem, with file, line, column and key; the hundredth is followed by a count. */
export function problemLines(problems: Problems): string[] {
  const lines = problems.list
    .slice(0, SHOWN)
    .map(
      ({ severity, message, place: { offset: _, ...place } }) =>
        `${formatPlace(place)}: ${severity === 'warning' ? 'warning: ' : ''}${message}`,
    );
  const more = problems.errors + problems.warnings - lines.length;
  if (more > 0) lines.push(`and ${more} more problems`);
  return lines;
}

/** `hsd_0 config 2.0.1: 34 fields, NamesId 0x100` for each document, then the size. */
export function conversionLines(
  inputs: readonly string[],
  conversions: readonly Conversion[],
  options: DgramOptions,
  size: number,
): string[] {
  let id = options.firstNamesId;
  const lines = conversions.flatMap(({ configs }, index) =>
    configs.map((config) => {
      const names = formatNamesId(makeNamesId(options.nodeId, id++));
      return `${inputs[index]}: ok: ${describe(config)}: ${config.fields.length} fields, NamesId ${names}`;
    }),
  );
  return [...lines, `the dgram has ${size} bytes`];
}

/** The whole result as one JSON document. `size` is missing after an error. */
export function conversionJson(
  inputs: readonly string[],
  conversions: readonly Conversion[],
  size: number | undefined,
) {
  return JSON.stringify({
    ok: size !== undefined,
    ...(size === undefined ? {} : { bytes: size }),
    inputs: conversions.map(({ configs, problems }, index) => ({
      file: inputs[index],
      documents: configs.map((config) => ({
        detector: config.detName.toString(),
        segment: config.segment,
        type: config.detType.toString(),
        id: config.detId.toString(),
        alg: config.alg.toString(),
        version: config.version.join('.'),
        fields: config.fields.length,
        arrays: config.fields.filter((field) => rankOf(field) > 0).length,
      })),
      errors: problems.errors,
      warnings: problems.warnings,
      problems: problems.list.map(({ severity, code, message, place }) => {
        const { key, line, column } = place;
        return { severity, code, message, ...(key === undefined ? {} : { key }), line, column };
      }),
    })),
  });
}

/** Detectors, segments and algorithms that occur in more than one document: readers put them into one name space. */
export function sameDetectors(configs: readonly Config[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { detName, segment, alg } of configs) {
    const name = `${detName.toString()} segment ${segment} ${alg.toString()}`;
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  return [...twice];
}

function describe({ detName, segment, alg, version }: Config): string {
  return `${detName.toString()} segment ${segment} ${alg.toString()} ${version.join('.')}`;
}
