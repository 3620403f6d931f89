import { GROUPS } from '../partition.ts';
import { parseDocument } from './document.ts';
import { Field } from './field.ts';

export interface ActiveDetector {
  readonly alias: string;
  readonly group: number;
}

/** Active DRPs and TPRs with their readout groups (spec timing 11.3); the history is only a memory of earlier choices. */
export async function readActiveDetectors(text: string, file: string): Promise<ActiveDetector[]> {
  const root = new Field(await parseDocument(text, file), file).at('activedet');
  const active: ActiveDetector[] = [];
  root.members();
  for (const level of ['drp', 'tpr']) {
    if (!root.at(level).present) continue;
    for (const [alias, entry] of root.at(level).members()) {
      const flag = entry.at('active').value;
      if (flag !== 0 && flag !== 1 && typeof flag !== 'boolean') entry.at('active').fail('expected 0 or 1');
      if (flag === 0 || flag === false) continue;
      const details = entry.at('det_info');
      details.members();
      active.push({ alias, group: details.at('readout').integer(0, GROUPS - 1) });
    }
  }
  return active;
}
