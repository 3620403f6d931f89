import { DaqError } from '../../errors.ts';
import { DgramReader } from '../../stream/dgram-reader.ts';
import { openBytes } from '../../stream/source.ts';
import { CODE } from '../../xtc/layout.ts';
import { SERVICE } from '../../xtc/service.ts';
import type { ShapesData } from '../../xtc/shapes-data.ts';
import { Walker } from '../../xtc/walk.ts';
import { type ConfigureField, type TsTree, treeOfFields } from './ts-tree.ts';

const TYPE_OF: Readonly<Record<number, string>> = { [CODE.ENUMDICT]: 'ENUMDICT', [CODE.ENUMVAL]: 'ENUMVAL' };

/** The timing object that an xtc2 file recorded in its Configure (spec timing 11.2). Throws `timing-input` when there is none. */
export async function readConfigure(file: string, stop?: AbortSignal): Promise<TsTree> {
  const reader = new DgramReader(await openBytes(file), stop === undefined ? {} : { stop });
  const walker = new Walker();
  let fields: ConfigureField[] | null = null;
  const take = (block: ShapesData): void => {
    const { detType, alg } = block.names;
    if (fields === null && detType === 'ts' && (alg === 'config' || alg === 'tsConfig')) fields = scalarFields(block);
  };
  try {
    do {
      while (reader.next() && fields === null) {
        if (reader.dgram.service !== SERVICE.Configure) throw nothing(file, `the file begins without a Configure`);
        walker.walk(reader.dgram, { data: take });
        if (fields === null) throw nothing(file, 'its Configure has no timing detector');
      }
    } while (fields === null && (await reader.fill()));
  } finally {
    reader.close();
  }
  if (fields === null) throw nothing(file, 'the file ends before its Configure is complete');
  return treeOfFields(fields, file);
}

function nothing(file: string, why: string): DaqError {
  return new DaqError('timing-input', `No timing object in this file: ${why}.`, { place: { file } });
}

/** Numbers of a block, with the type that tells enums. */
function scalarFields(block: ShapesData): ConfigureField[] {
  return block.names.fields
    .filter((field) => field.rank === 0)
    .map((field) => [field.name, TYPE_OF[field.type] ?? 'NUMBER', block.number(field.index)]);
}
