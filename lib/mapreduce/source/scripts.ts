/** The classes that an ingester has as sources: one process or module each, however many streams it serves. */

import { UsageError } from '../../errors.ts';
import type { SourceOptions } from './open.ts';
import { Script, type ScriptRuntime } from './script.ts';

export class Scripts {
  readonly #scripts: ReadonlyMap<string, Script>;

  private constructor(scripts: ReadonlyMap<string, Script>) {
    this.#scripts = scripts;
  }

  /**
   * @param name of the ingester
   * @throws UsageError, InputError, DataError if a class cannot be had
   */
  static async open(sources: readonly SourceOptions[], name: string): Promise<Scripts> {
    const scripts = new Map<string, Script>();
    for (const source of sources) {
      const { kind, upstream, say } = source;
      if (kind === 'script' && !scripts.has(upstream))
        scripts.set(upstream, new Script(await runtimeOf(source, name), say));
    }
    return new Scripts(scripts);
  }

  /** A new map. @param active sources of the streams that it uses */
  async begin(active: readonly SourceOptions[]): Promise<void> {
    for (const [upstream, script] of this.#scripts)
      await script.begin(active.flatMap((source) => (source.upstream === upstream ? source.stream : [])));
  }

  of({ kind, upstream }: SourceOptions): Script | undefined {
    return kind === 'script' ? this.#scripts.get(upstream) : undefined;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#scripts.values()].map((script) => script.close()));
  }
}

async function runtimeOf({ upstream, python, alias = false }: SourceOptions, name: string): Promise<ScriptRuntime> {
  if (/\.[mc]?js$/.test(upstream)) return (await import('./script-js.ts')).JsScript.open(upstream);
  if (!upstream.includes(':')) throw new UsageError(`"${upstream}" is neither module:Class nor FILE.mjs`);
  return (await import('./script-python.ts')).PythonScript.open({ path: upstream, python, alias, name });
}
