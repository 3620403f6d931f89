/** What the controller tells all services (spec mapreduce.md 5.1: ControllerUpdate). */

import { fieldsOf, optionalText, parseFields, text, texts } from './fields.ts';

export interface ControllerUpdate {
  readonly mapping_uuid: string;
  /** By parameter: uuid of its value. */
  readonly parameters_version: Readonly<Record<string, string>>;
  readonly target_parameters_hash: string | null;
  readonly active_streams: readonly string[];
  readonly finished: boolean;
  /** Ours only, with the fields below. */
  readonly impl?: 'daqpipe';
  readonly protocol?: number;
  /** Where the controller takes reports and gives work without Redis; absent: streams of Redis. */
  readonly control?: string | null;
  /** With `finished`: why. */
  readonly reason?: 'complete' | 'stopped' | 'replaced' | null;
}

/** @throws BadRecord */
export function readUpdate(json: string): ControllerUpdate {
  const fields = parseFields(json, 'update');
  const versions = fieldsOf(fields.parameters_version ?? {}, 'parameters_version');
  for (const name of Object.keys(versions)) text(versions, name);
  const reason = optionalText(fields, 'reason');
  return {
    mapping_uuid: text(fields, 'mapping_uuid'),
    parameters_version: versions as Readonly<Record<string, string>>,
    target_parameters_hash: optionalText(fields, 'target_parameters_hash'),
    active_streams: texts(fields, 'active_streams'),
    finished: fields.finished === true,
    ...(fields.impl === 'daqpipe'
      ? {
          impl: 'daqpipe' as const,
          protocol: 1,
          control: optionalText(fields, 'control'),
          reason: reason === 'complete' || reason === 'stopped' || reason === 'replaced' ? reason : null,
        }
      : {}),
  };
}
