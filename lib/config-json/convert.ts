/** From a document to fields and values. The two are apart, so that descriptions and data can go into different dgrams. */

import { DataError } from '../errors.ts';
import { describeNode, type JsonNode, keyText } from '../json/node.ts';
import { type FlawCode, type FlawReport, JsonReader } from '../json/reader.ts';
import { JsonText } from '../json/text.ts';
import { type FieldSpec, rankOf } from '../xtc/describe.ts';
import { TEXT_SIZE } from '../xtc/layout.ts';
import type { FieldValue } from '../xtc/writer.ts';
import { readHeader, type Version } from './header.ts';
import { DEFAULT_RULES, Problems, type Rules, type Subject } from './problem.ts';
import { Types } from './types.ts';
import { ValueReader } from './value.ts';
import { findLeaves } from './walk.ts';

/** One converted document. The texts are bytes: with `compat` they can be cut in the middle of a character. */
export interface Config {
  detType: Buffer;
  detName: Buffer;
  detId: Buffer;
  alg: Buffer;
  version: Version;
  segment: number;
  fields: FieldSpec[];
  /** In the order of `fields`. */
  values: FieldValue[];
}

export interface Conversion {
  /** Empty if there is an error. */
  configs: Config[];
  problems: Problems;
}

export interface ConvertOptions extends Partial<Rules> {
  /** Name of the input in messages. Default `-`. */
  file?: string;
}

const FIELD_NAME = /^[0-9A-Za-z_.:]*$/;
const MAX_NAME = TEXT_SIZE - 1;

/** Words for what the reader found and the reference does not mind. */
const FLAW_TEXT: Readonly<Record<FlawCode, string>> = {
  'duplicate-key': 'the reference stores it again with a value of the first',
  'nul-in-text': 'it is stored up to there',
  'not-utf8': 'the bytes are stored as they are',
};

/** Converts the one document of an input. Whatever is wrong with it is in `problems`. */
export function convertText(bytes: Buffer, options: ConvertOptions = {}): Conversion {
  const { flaw, ...subject } = prepare(bytes, options);
  const roots = read(subject, () => [new JsonReader(subject.text, flaw).document()]);
  return convertRoots(roots, subject);
}

/** Converts the documents of an input that holds several: in a JSON list, or one after the other. */
export function convertTexts(bytes: Buffer, options: ConvertOptions = {}): Conversion {
  const { flaw, ...subject } = prepare(bytes, options);
  const roots = read(subject, () => new JsonReader(subject.text, flaw).documents());
  return convertRoots(
    roots.flatMap((root) => (root.kind === 'list' ? root.items : [root])),
    subject,
  );
}

/** The documents, or none after reporting a syntax error. */
function read(subject: Subject, parse: () => JsonNode[]): JsonNode[] {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof DataError && error.code === 'json-syntax')) throw error;
    const { key = '', offset = 0 } = error.place;
    subject.problems.error(error.code, key, offset, error.message);
    return [];
  }
}

function convertRoots(roots: readonly JsonNode[], subject: Subject): Conversion {
  const configs = roots.map((root) => convertRoot(root, subject)).filter((config) => config !== undefined);
  return { configs: subject.problems.errors > 0 ? [] : configs, problems: subject.problems };
}

function prepare(bytes: Buffer, options: ConvertOptions): Subject & { flaw: FlawReport } {
  const rules: Rules = { ...DEFAULT_RULES, exactNumbers: options.compat !== true, ...options };
  const text = new JsonText(bytes);
  const problems = new Problems(text, options.file ?? '-', rules);
  if (text.ignored > 0) {
    const what = `the input ends at a zero byte; ${text.ignored} bytes from there on are ignored`;
    problems.warning('zero-byte', '', text.bytes.length, what);
  }
  const flaw: FlawReport = (code, path, at, what) =>
    problems.loss(code, path, at, rules.compat ? `${what}: ${FLAW_TEXT[code]}` : what);
  return { text, problems, rules, flaw };
}

/** @returns undefined if it is no document at all; with errors in it the result is incomplete */
function convertRoot(root: JsonNode, subject: Subject): Config | undefined {
  const { problems } = subject;
  if (root.kind !== 'object') {
    problems.error('not-an-object', '', root.at, `the document is ${describeNode(root)}, not an object`);
    return undefined;
  }
  const { types: typesNode, data, ...header } = readHeader(root, subject);
  const types = new Types(typesNode, subject);
  const fields = new FieldCollector(subject);
  for (const [enumName, labels] of types.enums) {
    for (const [label, value, at] of labels) {
      fields.add(
        { name: `${label}:${enumName}`, type: 'ENUMDICT', rank: 0 },
        value,
        `:types:.:enum:.${keyText(enumName)}`,
        at,
      );
    }
  }
  const reader = new ValueReader(types, subject);
  for (const leaf of findLeaves(data, types, subject)) {
    const { type, enumName, dims } = leaf.declared;
    const name = enumName === undefined ? leaf.name : `${leaf.name}:${enumName}`;
    const rank = dims?.length ?? rankOf({ name, type });
    fields.add({ name, type, rank }, reader.read(leaf), leaf.path, leaf.value.at);
  }
  return { ...header, fields: fields.fields, values: fields.values };
}

class FieldCollector {
  readonly fields: FieldSpec[] = [];
  readonly values: FieldValue[] = [];
  private readonly subject: Subject;
  private readonly names = new Set<string>();

  constructor(subject: Subject) {
    this.subject = subject;
  }

  add(field: FieldSpec, value: FieldValue | undefined, path: string, at: number): void {
    const { problems, rules } = this.subject;
    const { name } = field;
    if (!FIELD_NAME.test(name)) {
      const what = `field name "${keyText(name)}" has characters other than 0-9 A-Z a-z _ . :`;
      problems.error('bad-field-name', path, at, what);
    } else if (name.length > MAX_NAME) {
      problems.error(
        'bad-field-name',
        path,
        at,
        `the field name has ${name.length} characters; ${MAX_NAME} can be stored`,
      );
    } else if (this.names.has(name) && !rules.compat && problems.errors === 0) {
      problems.warning(
        'same-name',
        path,
        at,
        `another field is called ${name} as well; readers may show one of them only`,
      );
    }
    this.names.add(name);
    if (value === undefined) return;
    this.fields.push(field);
    this.values.push(value);
  }
}
