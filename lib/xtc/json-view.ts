/**
 * One dgram as one line of JSON (spec dgram-json.md). Lines are put together as text: keys stay in file order whatever they look
 * like (`12`, `__proto__`), and a header-only line builds no object at all.
 */

import { DataError } from '../errors.ts';
import { damageNames } from './damage.ts';
import type { Dgram } from './dgram.ts';
import type { Report } from './finding.ts';
import { CODE, fieldTypeName, XTC, xtcTypeName } from './layout.ts';
import { type Field, formatNamesId, formatVersion, type NamesBlock, namesIdOf } from './names.ts';
import { groupNumbers, serviceName } from './service.ts';
import type { ShapesData } from './shapes-data.ts';
import { type ArrayMode, arrayJson, elementCount, elementJson, isText } from './value.ts';
import type { Visitor, Walker } from './walk.ts';

export interface JsonViewOptions {
  /** How arrays are shown. Default `head`. */
  arrays?: ArrayMode;
  /** Elements of `head`. Default 6. */
  head?: number;
  /** Show Names blocks. Default true. */
  names?: boolean;
  /** Decode payloads. Default true. */
  data?: boolean;
  /** Which blocks and fields appear in `data`; default all. */
  wants?: (names: NamesBlock, field?: Field) => boolean;
}

/** Elements of `--arrays full` that one line may hold: with up to 25 characters each they still fit a string. */
const MAX_ELEMENTS = 20_000_000;

/** A JSON object under construction: key -> JSON text or a deeper object. */
type Tree = Map<string, Tree | string>;

export class JsonView {
  private readonly walker: Walker;
  private readonly options: Required<JsonViewOptions>;
  /** What the walk of the dgram between `begin` and `end` must call. */
  readonly visitor: Visitor;
  readonly report: Report;
  // Of the dgram under way.
  private dgram!: Dgram;
  private data: Tree = new Map();
  private enums: Tree = new Map();
  private names: string[] = [];
  private contributors: string[] = [];
  private innerDamage: string[] = [];
  private issues: string[] = [];
  private hidden = false;
  private elements = 0;
  /** Highest number given to a doubled key so far; without it many equal keys would take quadratic time. */
  private readonly doubled = new Map<Tree, Map<string, number>>();

  constructor(walker: Walker, options: JsonViewOptions = {}) {
    this.walker = walker;
    this.options = { arrays: 'head', head: 6, names: true, data: true, wants: () => true, ...options };
    this.visitor = {
      parent: (start, _end, hidden) => this.addContributor(start, hidden),
      names: (names) => this.options.names && this.names.push(namesJson(names)),
      header: (start, type, names) => this.addHeaderDamage(start, type, names),
      data: (block) => this.addData(block),
    };
    this.report = (code, offset) => {
      if (code === 'hidden-payload') this.hidden ||= offset === this.dgram.offset;
      else this.issues.push(`{"code":"${code}","offset":${offset}}`);
    };
  }

  /** The line for a dgram, without the newline; walks it. */
  line(dgram: Dgram): string {
    if (!this.options.data) return headerLine(dgram);
    this.begin(dgram);
    this.walker.walk(dgram, this.visitor, this.report);
    return this.end();
  }

  /** Starts a dgram that somebody else walks, with `visitor` and `report`. */
  begin(dgram: Dgram): void {
    this.dgram = dgram;
    this.data = new Map();
    this.enums = new Map();
    this.names.length = this.contributors.length = this.innerDamage.length = this.issues.length = 0;
    this.hidden = false;
    this.elements = 0;
    this.doubled.clear();
  }

  /**
   * The line of the dgram that was walked.
   * @throws DataError `line-too-long` if it does not fit a string (hundreds of megabytes of `--arrays full`)
   */
  end(): string {
    try {
      return this.text();
    } catch (error) {
      if (error instanceof RangeError) throw lineTooLong(this.dgram, error);
      throw error;
    }
  }

  private text(): string {
    let text = `${headerJson(this.dgram)},"data":${treeJson(this.data)}`;
    if (this.contributors.length > 0) text += `,"contributors":[${this.contributors.join(',')}]`;
    if (this.names.length > 0) text += `,"names":[${this.names.join(',')}]`;
    if (this.enums.size > 0) text += `,"enums":${treeJson(this.enums)}`;
    if (this.innerDamage.length > 0) text += `,"innerDamage":[${this.innerDamage.join(',')}]`;
    if (this.hidden) text += ',"hidden":true';
    if (this.issues.length > 0) text += `,"issues":[${this.issues.join(',')}]`;
    return `${text}}`;
  }

  private addContributor(start: number, hidden: boolean): void {
    const { view } = this.dgram;
    const src = view.getUint32(start + XTC.src, true);
    const damage = damageJson(view.getUint16(start + XTC.damage, true));
    const size = view.getUint32(start + XTC.extent, true);
    this.contributors.push(
      `{"src":${namesIdOf(src)},"level":"${levelName(src >>> 28)}","damage":${damage},"size":${size}${hidden ? ',"hidden":true' : ''}}`,
    );
  }

  private addHeaderDamage(start: number, type: number, names: NamesBlock | undefined): void {
    const { view } = this.dgram;
    const damage = view.getUint16(start + XTC.damage, true);
    if (damage === 0) return;
    this.addDamage(type, namesIdOf(view.getUint32(start + XTC.src, true)), names, damage);
  }

  private addDamage(type: number, id: number, names: NamesBlock | undefined, damage: number): void {
    const who = names
      ? `,"det":${JSON.stringify(names.detName)},"segment":${names.segment},"alg":${JSON.stringify(names.alg)}`
      : '';
    this.innerDamage.push(
      `{"xtc":"${xtcTypeName(type)}","id":"${formatNamesId(id)}"${who},"damage":${damageJson(damage)}}`,
    );
  }

  private addData(block: ShapesData): void {
    const { names } = block;
    for (const [type, damage] of block.childDamage()) this.addDamage(type, names.id, names, damage);
    if (!this.options.wants(names)) return;
    const values = branch(branch(branch(this.data, names.detName), String(names.segment)), names.alg);
    for (let i = 0; i < block.count; i++) {
      const field = names.fields[i]!;
      if (field.type === CODE.ENUMDICT && field.rank === 0) continue;
      if (!this.options.wants(names, field)) continue;
      values.set(
        this.freeKey(values, field.type === CODE.ENUMVAL ? field.shortName : field.name),
        this.valueJson(block, field),
      );
    }
    if (names.labelFields.length > 0) this.addEnums(block);
  }

  /** The key itself, or with `#2`, `#3` ... if it is taken. */
  private freeKey(values: Tree, key: string): string {
    if (!values.has(key)) return key;
    let numbers = this.doubled.get(values);
    if (numbers === undefined) this.doubled.set(values, (numbers = new Map()));
    let number = (numbers.get(key) ?? 1) + 1;
    while (values.has(`${key}#${number}`)) number++;
    numbers.set(key, number);
    return `${key}#${number}`;
  }

  private addEnums(block: ShapesData): void {
    const { names } = block;
    for (const field of names.labelFields) {
      if (field.index >= block.count) break;
      const algorithm = branch(branch(branch(this.enums, names.detName), String(names.segment)), names.alg);
      branch(algorithm, field.enumName ?? '').set(field.shortName, String(block.number(field.index)));
    }
  }

  private valueJson(block: ShapesData, field: Field): string {
    if (isText(field)) return JSON.stringify(block.string(field.index));
    if (field.rank > 0) {
      const { arrays, head } = this.options;
      if (arrays === 'full' && (this.elements += elementCount(block, field)) > MAX_ELEMENTS)
        throw lineTooLong(this.dgram);
      return arrayJson(block, field, arrays, head);
    }
    if (field.type !== CODE.ENUMVAL) return elementJson(block.view, field.type, block.at(field.index));
    const value = block.number(field.index);
    const label = this.walker.table.label(block.names, field.enumName ?? '', value);
    return `{"value":${value},"label":${JSON.stringify(label)}}`;
  }
}

function lineTooLong({ index, offset }: Dgram, cause?: RangeError): DataError {
  const why = 'the dgram is too large for one line of JSON: choose another --arrays mode, or fields with --field';
  return new DataError('line-too-long', why, { place: { dgram: index, offset }, cause });
}

/** The line of `--no-data`: header keys only, nothing is decoded. */
export function headerLine(dgram: Dgram): string {
  return `${headerJson(dgram)}}`;
}

const SERVICE_JSON = Array.from({ length: 16 }, (_, service) => `"${serviceName(service)}"`);
const groupsCache = new Map<number, string>();

/** All keys that are always present, up to `src`, `level` included; the object is left open. */
function headerJson(dgram: Dgram): string {
  const { env, src } = dgram;
  const mask = env & 0xffff;
  let groups = groupsCache.get(mask);
  if (groups === undefined) groupsCache.set(mask, (groups = `[${groupNumbers(mask).join(',')}]`));
  const damage = dgram.damage === 0 ? '[]' : damageJson(dgram.damage);
  const level = src >>> 28 ? `,"level":"${levelName(src >>> 28)}"` : '';
  return (
    `{"index":${dgram.index},"offset":${dgram.offset},"size":${dgram.size},"time":{"sec":${dgram.sec},"nsec":${dgram.nsec}}` +
    `,"service":${SERVICE_JSON[(env >>> 24) & 0xf]},"env":${env},"groups":${groups},"damage":${damage},"src":${src & 0x0fffffff}${level}`
  );
}

/** `Segment`, `Event`, `Level2` ... of the level bits of a src word. */
export function levelName(level: number): string {
  return level === 0 ? 'Segment' : level === 1 ? 'Event' : `Level${level}`;
}

function damageJson(damage: number): string {
  return JSON.stringify(damageNames(damage));
}

function namesJson(names: NamesBlock): string {
  return JSON.stringify({
    id: formatNamesId(names.id),
    det: names.detName,
    segment: names.segment,
    type: names.detType,
    detId: names.detId,
    alg: names.alg,
    version: formatVersion(names.version),
    fields: names.fields.map((field) => ({
      name: field.name,
      type: fieldTypeName(field.type),
      rank: field.rank,
      ...(field.alg !== '' || field.version !== 0 ? { alg: field.alg, version: formatVersion(field.version) } : {}),
    })),
  });
}

function branch(tree: Tree, key: string): Tree {
  const known = tree.get(key);
  if (known instanceof Map) return known;
  const fresh: Tree = new Map();
  tree.set(key, fresh);
  return fresh;
}

function treeJson(tree: Tree): string {
  const parts: string[] = [];
  for (const [key, value] of tree) {
    parts.push(`${JSON.stringify(key)}:${typeof value === 'string' ? value : treeJson(value)}`);
  }
  return `{${parts.join(',')}}`;
}
