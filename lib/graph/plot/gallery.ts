/** Outputs as they stand, with the history of scalars, as a scene to draw. Pure. */

import type { GraphInForce, Pictures } from '../output/results.ts';
import { valueText } from '../output/text.ts';
import type { HeartbeatRecord } from '../run/global-side.ts';
import type { NodeSpec } from '../types.ts';
import type { Value } from '../value.ts';
import type { Frame, Scalar, Scene } from './frame.ts';
import { isAxis, pictureOf } from './picture.ts';

/** Values of a scalar that are kept for its trend: more than a terminal has columns. */
const HISTORY = 512;

export class Gallery implements Pictures {
  readonly #draw: (scene: Scene) => Frame;
  readonly #histories = new Map<string, number[]>();
  #nodes: ReadonlyMap<string, NodeSpec> = new Map();
  #name = '';
  #record: HeartbeatRecord | undefined;

  constructor(draw: (scene: Scene) => Frame) {
    this.#draw = draw;
  }

  graph({ graph }: GraphInForce): void {
    this.#name = graph.spec.name;
    this.#nodes = new Map(graph.spec.nodes.map((node) => [node.id, node]));
  }

  /** @param record with all outputs as they stand */
  add(record: HeartbeatRecord): void {
    this.#record = record;
    for (const name of this.#histories.keys()) if (!record.outputs.has(name)) this.#histories.delete(name);
    for (const [name, value] of record.outputs) {
      if (typeof value !== 'number') continue;
      const history = this.#histories.get(name) ?? [];
      history.push(value);
      if (history.length > 2 * HISTORY) history.splice(0, HISTORY);
      this.#histories.set(name, history);
    }
  }

  scene(): Scene {
    const outputs = this.#record?.outputs ?? new Map<string, Value>();
    const scalars: Scalar[] = [];
    const panes: Scene['panes'][number][] = [];
    for (const [name, value] of outputs) {
      const [id, port] = split(name);
      const ports = [...outputs.keys()].map(split).flatMap(([other, its]) => (other === id ? [its] : []));
      if (isAxis(port, ports)) continue;
      const around = { node: this.#nodes.get(id), port: (its: string) => outputs.get(`${id}.${its}`) };
      const picture = pictureOf(port, value, around);
      if (picture) panes.push({ name, picture });
      else scalars.push({ name, text: valueText(value), history: this.#histories.get(name) ?? [] });
    }
    return { name: this.#name, record: this.#record, scalars, panes };
  }

  lines(): readonly string[] {
    return this.#draw(this.scene()).lines;
  }
}

/** Node and port of an output. */
function split(name: string): [string, string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}
