import type { CompiledNode } from '../compile/compiled.ts';
import { isTrue } from '../expression/operators.ts';
import type { EventInfo, Place } from '../types.ts';
import type { Value } from '../value.ts';
import { amiStation } from './ami-station.ts';
import { KernelStation, type Station } from './station.ts';

/** The station of an operation at a place. */
export function stationOf(node: CompiledNode & { kind: 'operation' }, place: Place): Station {
  return node.split ? amiStation(node.split, place) : new KernelStation(node.kernel);
}

/** What a Map gives, or a Filter lets through. @throws anything: the node fails */
export function computed(node: CompiledNode, inputs: readonly Value[], info: EventInfo): Value | undefined {
  if (node.kind === 'map') return node.expression(inputs, info);
  if (node.kind === 'filter') return isTrue(node.expression(inputs, info)) ? inputs[0] : undefined;
  throw new Error('an operation is no map');
}
