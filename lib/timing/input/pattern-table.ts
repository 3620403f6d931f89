import type { Ticks } from '../machine.ts';
import { type Beam, LAST_CODE, type Pattern } from '../partition.ts';
import { type InputText, parseDocument } from './document.ts';
import { Field } from './field.ts';

/** `ctrl.json`: buckets by engine and bit, one machine period. `bits` is the numbering of the table (spec timing 11.5). */
export async function readCtrlTable(input: InputText, bits: 4 | 16, period: Ticks): Promise<Map<number, Pattern[]>> {
  const root = new Field(await parseDocument(input.text, input.file), input.file);
  const codes = new Map<number, Pattern[]>();
  for (const [engine, engineField] of root.numbered(0, LAST_CODE)) {
    for (const [bit, field] of engineField.numbered(0, bits - 1)) {
      const code = bits * engine + bit;
      if (code > LAST_CODE) field.fail(`engine ${engine} bit ${bit} would be code ${code}, beyond ${LAST_CODE}`);
      codes.set(code, [{ period, at: readBuckets(field, period) }]);
    }
  }
  return codes;
}

/** `dest.json`: the beam of one combination of allow classes; by default the first (spec timing 11.5, 12). */
export async function readDestTable(input: InputText, key: string | undefined, period: Ticks): Promise<Beam> {
  const root = new Field(await parseDocument(input.text, input.file), input.file);
  const combination = key ?? root.members().find(([name]) => name.startsWith('('))?.[0];
  if (combination === undefined) throw root.fail('no key of the table begins with a parenthesis');
  const field = root.at(combination);
  if (!field.present) root.fail(`the table has no key ${JSON.stringify(combination)}`);
  const [buckets, destinations] = field.items();
  if (!buckets || !destinations) throw field.fail('expected a list of buckets and a list of destinations');
  const ticks = readBuckets(buckets, period);
  const ids = destinations.items().map((item) => item.integer(0, 15));
  if (ids.length !== ticks.length) field.fail(`${ticks.length} buckets but ${ids.length} destinations`);
  const at = new Map<number, number[]>();
  ticks.forEach((tick, i) => {
    const id = ids[i] as number;
    const list = at.get(id);
    if (list) list.push(tick);
    else at.set(id, [tick]);
  });
  return { kind: 'runs', runs: [...at].map(([destination, list]) => ({ destination, pattern: { period, at: list } })) };
}

function readBuckets(field: Field, period: Ticks): Ticks[] {
  return field.items().map((item) => item.integer(0, period - 1));
}
