/** What the transitions of one contributor carry: descriptions, configuration, run, step and chunk information, EPICS values. */

import { type NamesSpec, namesBlockOf } from '../xtc/describe.ts';
import type { NamesBlock } from '../xtc/names.ts';
import { SERVICE } from '../xtc/service.ts';
import type { DgramWriter, FieldValue } from '../xtc/writer.ts';
import { type CompiledField, compileBlock } from './compile.ts';
import type { RunDescription } from './description.ts';
import { type FieldPlan, namesFieldsOf } from './fields.ts';
import { chunkFileName } from './file-names.ts';
import type { Moment } from './moment.ts';
import { type Contributor, EPICS_IDS, NAMES_ID } from './units.ts';

interface Epics {
  raw: NamesBlock;
  info: NamesBlock;
  fields: readonly CompiledField[];
}

export class TransitionWriter {
  readonly node: number;
  private readonly run: RunDescription;
  private readonly contributor: Contributor;
  private readonly runinfo: NamesBlock;
  private readonly chunkinfo: NamesBlock | undefined;
  private readonly scan: NamesBlock | undefined;
  private readonly epics: Epics | undefined;

  /** @param first true for the one contributor that has scan and EPICS data */
  constructor(run: RunDescription, contributor: Contributor, first: boolean) {
    this.run = run;
    this.contributor = contributor;
    this.node = contributor.node;
    this.runinfo = this.names(
      'runinfo',
      NAMES_ID.runinfo,
      'runinfo',
      [0, 0, 1],
      [
        { name: 'expt', type: 'CHARSTR' },
        { name: 'runnum', type: 'UINT32' },
      ],
    );
    if (run.chunkSteps > 0) {
      this.chunkinfo = this.names(
        'chunkinfo',
        NAMES_ID.chunkinfo,
        'chunkinfo',
        [0, 0, 1],
        [
          { name: 'filename', type: 'CHARSTR' },
          { name: 'chunkid', type: 'UINT32' },
        ],
      );
    }
    if (!first) return;
    this.scan = this.names(
      'scan',
      NAMES_ID.scan,
      'raw',
      [2, 0, 0],
      [
        ...[...run.steps.motors.keys()].map((name) => ({ name, type: 'DOUBLE' as const })),
        { name: 'step_value', type: 'DOUBLE' },
        { name: 'step_docstring', type: 'CHARSTR' },
      ],
    );
    if (run.epics.length > 0) this.epics = this.describeEpics(run);
  }

  private names(
    detName: string,
    namesId: number,
    alg: string,
    version: NamesSpec['version'],
    fields: NamesSpec['fields'],
  ): NamesBlock {
    return namesBlockOf({ nodeId: this.node, namesId, detType: detName, detName, segment: 0, alg, version, fields });
  }

  private describeEpics(run: RunDescription): Epics {
    const plans = run.epics.map(({ field }) => field);
    return {
      raw: this.names(
        'epics',
        EPICS_IDS.raw,
        'raw',
        [2, 0, 0],
        [{ name: 'StaleFlags', type: 'UINT32', rank: 1 }, ...plans.flatMap(namesFieldsOf)],
      ),
      info: this.names(
        'epicsinfo',
        EPICS_IDS.info,
        'epicsinfo',
        [1, 0, 0],
        [{ name: 'keys', type: 'CHARSTR' }, ...plans.map(({ name }) => ({ name, type: 'CHARSTR' as const }))],
      ),
      fields: compileBlock(plans, { seed: run.seed, path: ['epics'], alg: 'raw', pools: new Map() }),
    };
  }

  /** Appends the children of a transition. */
  children(moment: Moment, writer: DgramWriter): void {
    const { run } = this;
    switch (moment.service) {
      case SERVICE.Configure:
        return this.configure(moment, writer);
      case SERVICE.BeginRun:
        return writer.data(this.runinfo, { expt: run.experiment, runnum: run.run });
      case SERVICE.BeginStep:
        return this.beginStep(moment, writer);
      case SERVICE.Enable:
        return this.enable(moment, writer);
      case SERVICE.SlowUpdate:
        if (this.epics)
          writer.data(this.epics.raw, [new Uint32Array(1), ...this.epics.fields.map((f) => storedValue(f, moment))]);
    }
  }

  private configure(moment: Moment, writer: DgramWriter): void {
    const { units } = this.contributor;
    for (const { config, blocks } of units) {
      if (config) writer.names(config.names);
      for (const { names } of blocks) writer.names(names);
    }
    for (const names of [this.epics?.raw, this.epics?.info, this.chunkinfo, this.scan, this.runinfo]) {
      if (names) writer.names(names);
    }
    for (const { config } of units) if (config) writer.data(config.names, settingValues(config.fields, moment));
    if (this.epics) {
      writer.data(this.epics.info, ['epicsname,provider', ...this.run.epics.map(({ pv }) => `${pv},ca`)]);
    }
  }

  private beginStep({ step }: Moment, writer: DgramWriter): void {
    if (!this.scan) return;
    const { motors, docstring } = this.run.steps;
    const positions = [...motors.values()].map((positions) => positions[step] ?? 0);
    const text = JSON.stringify({
      step,
      ...(docstring === '' ? {} : { docstring }),
      ...Object.fromEntries([...motors.keys()].map((name, i) => [name, positions[i]!])),
    });
    writer.data(this.scan, [...positions, step, text]);
  }

  /** The Enable that ends a chunk file tells the name of the next. */
  private enable({ step }: Moment, writer: DgramWriter): void {
    if (!this.chunkinfo || !startsChunk(this.run, step)) return;
    const chunk = step / this.run.chunkSteps;
    writer.data(this.chunkinfo, { filename: chunkFileName(this.run, this.node, chunk), chunkid: chunk });
  }
}

/** True if a new chunk file begins behind the Enable of this step. */
export function startsChunk({ chunkSteps }: RunDescription, step: number): boolean {
  return chunkSteps > 0 && step > 0 && step % chunkSteps === 0;
}

function settingValues(fields: readonly FieldPlan[], moment: Moment): FieldValue[] {
  return compileBlock(fields, { seed: 0, path: [], alg: 'config', pools: new Map() }).map((f) =>
    storedValue(f, moment),
  );
}

/** The stored bytes of a field, for the general writer. */
function storedValue({ shape, constant, fill, frames, size }: CompiledField, moment: Moment): FieldValue {
  let data: Uint8Array;
  if (constant) data = constant;
  else if (frames) data = frames.draw();
  else {
    const bytes = Buffer.alloc(size);
    fill!(bytes, new DataView(bytes.buffer, bytes.byteOffset, size), 0, moment);
    data = bytes;
  }
  return { shape: shape ?? [], data };
}
