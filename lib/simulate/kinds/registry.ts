/** All kinds of detectors by name. */

import { printField, readFields } from '../fields.ts';
import { bytes, camera, waveform } from './images.ts';
import { type DetectorKind, V2 } from './kind.ts';
import { encoder, gmd, timetool } from './scalars.ts';
import { timing } from './timing.ts';

/** Fields chosen one by one. */
const fields: DetectorKind = {
  name: 'fields',
  summary: 'fields of your own: NAME: {generator: ..., type: ..., shape: [...]}',
  keys: 'fields, alg',
  type: 'simfields',
  read(section, context) {
    const alg = section.text('alg', 'raw', { pattern: /^[\x20-\x7e]{1,255}$/, what: 'the name of an algorithm' });
    const inner = section.section('fields', 'fields by name');
    if (!inner) section.problem('fields', 'this detector needs fields, for example {energy: {generator: gaussian}}');
    const plans = inner ? readFields(inner, context) : [];
    return {
      params: { alg, fields: Object.fromEntries(plans.map((plan) => [plan.name, printField(plan)])) },
      blocks: [{ alg, version: V2, fields: plans }],
      config: [],
    };
  },
};

export const KINDS: ReadonlyMap<string, DetectorKind> = new Map(
  [camera, waveform, gmd, encoder, timetool, timing, bytes, fields].map((kind) => [kind.name, kind]),
);
