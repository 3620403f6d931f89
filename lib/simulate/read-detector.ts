/** Description of one detector, and rules of damage. */

import { damageByName } from '../xtc/damage.ts';
import type { Rate } from './clock.ts';
import type { ReadContext } from './content.ts';
import { DAMAGE_PLACES, type DamageRule, type DetectorDescription } from './description.ts';
import { readFields } from './fields.ts';
import { KINDS } from './kinds/registry.ts';
import { type Path, type Problems, Section } from './section.ts';

const DETECTOR_NAME = { pattern: /^[0-9A-Za-z_]{1,200}$/, what: 'a detector name of 0-9 A-Z a-z _' };
const FREE_TEXT = { pattern: /^[\x20-\x7e]{0,200}$/, what: 'a text of at most 200 ASCII characters' };
const RESERVED = ['runinfo', 'chunkinfo', 'smdinfo', 'epics', 'epicsinfo', 'scan'];
const DAMAGE_NAMES =
  'Truncated, OutOfOrder, OutOfSynch, Corrupted, DroppedContribution, MissingData, TimedOut, Bit7 to Bit11, User1 to User15';

/** What detectors need to know of the run. */
export interface Surroundings {
  context: ReadContext;
  partition: number;
  groups: ReadonlyMap<number, Rate>;
}

export function readDetector(
  value: unknown,
  path: Path,
  problems: Problems,
  { context, partition, groups }: Surroundings,
): DetectorDescription {
  const section = new Section(value, path, problems, 'a detector');
  const kindName = section.has('kind') ? section.text('kind', '') : section.has('fields') ? 'fields' : '';
  const kind = KINDS.get(kindName);
  if (!kind) {
    const known = [...KINDS.keys()].join(', ');
    section.problem(
      'kind',
      kindName === '' ? `a detector needs a kind: ${known}` : `there is no kind "${kindName}"; there are ${known}`,
    );
  }
  const name = section.text('name', kindName, DETECTOR_NAME);
  if (RESERVED.includes(name)) section.problem('name', `"${name}" is reserved for the DAQ's own records`);
  const group = section.integer('group', partition, 0, 7);
  if (!groups.has(group)) {
    section.problem('group', `readout group ${group} has no rate; groups has ${[...groups.keys()].join(', ')}`);
  }
  const settings = section.section('config', 'settings by name');
  const detector: DetectorDescription = {
    name,
    kind: kindName,
    type: section.text('type', kind?.type ?? '', FREE_TEXT),
    id: section.text('id', `sim-${name}`, FREE_TEXT),
    group,
    segments: section.integer('segments', 1, 1, 4096),
    stream: section.has('stream') ? section.integer('stream', 0, 0, 0xfff) : undefined,
    drop: section.number('drop', 0, { min: 0, max: 1 }),
    damage: readDamage(section, false),
    settings: settings ? readFields(settings, context) : [],
    plan: kind?.read(section, context) ?? { params: {}, blocks: [], config: [] },
  };
  for (const setting of detector.settings) {
    if (!setting.content.constant) settings!.problem(setting.name, 'a setting has a constant value, a text or a label');
  }
  if (kind) section.end();
  return detector;
}

/** `damage: {kind, probability, at}`, or a list of them. @param whole damage of whole events: there is only the root */
export function readDamage(parent: Section, whole: boolean): DamageRule[] {
  return parent.list('damage').map(({ value, path }) => {
    const section = new Section(value, path, parent.problems, 'a rule of damage');
    const kinds = section.list('kind').map(({ value }) => String(value));
    if (kinds.length === 0) section.problem('kind', `must name damage: ${DAMAGE_NAMES}`);
    let damage = 0;
    for (const kind of kinds) {
      const bits = damageByName(kind);
      if (bits === undefined) section.problem('kind', `there is no damage "${kind}"; there are ${DAMAGE_NAMES}`);
      damage |= bits ?? 0;
    }
    const probability = section.number('probability', 0.01, { min: 0, max: 1 });
    const at = whole ? 'root' : section.choice('at', DAMAGE_PLACES, 'block');
    section.end();
    return { kinds, damage, probability, at };
  });
}
