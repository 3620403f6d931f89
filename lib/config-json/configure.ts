/** The dgram that carries converted documents (spec json2xtc.md, section 2). */

import { DataError } from '../errors.ts';
import { namesBlockOf } from '../xtc/describe.ts';
import { MAX_NAMES_ID, NAME_INFO, XTC } from '../xtc/layout.ts';
import type { NamesBlock } from '../xtc/names.ts';
import { makeEnv } from '../xtc/service.ts';
import { DgramWriter } from '../xtc/writer.ts';
import type { Config } from './convert.ts';

export interface DgramOptions {
  /** 0..4095. */
  nodeId: number;
  /** 0..255, of the first document; the others count up. */
  firstNamesId: number;
  /** Descriptions, values or both. */
  half: 'both' | 'names' | 'data';
  /** Transition id. */
  service: number;
  sec: number;
  nsec: number;
}

/**
 * One dgram with a Names block, a ShapesData block or both for each document.
 * @throws DataError `names-id` if the documents need more names ids than there are, `dgram-overflow`
 */
export function configureDgram(configs: readonly Config[], options: DgramOptions): Buffer {
  const { nodeId, firstNamesId, half } = options;
  const last = firstNamesId + configs.length - 1;
  if (last > MAX_NAMES_ID) {
    const what = `${configs.length} documents from names id ${firstNamesId} on need ids up to ${last}; there are 0..${MAX_NAMES_ID}`;
    throw new DataError('names-id', what);
  }
  const writer = new DgramWriter();
  writer.begin({ sec: options.sec, nsec: options.nsec, env: makeEnv(options.service, 0) });
  const described: [Config, number][] = [];
  configs.forEach((config, index) => {
    const block = describe(config, nodeId, firstNamesId + index);
    if (half !== 'data') {
      described.push([config, writer.size + XTC.size]);
      writer.names(block);
    }
    if (half !== 'names') writer.data(block, config.values);
  });
  const bytes = writer.finish();
  for (const [config, payload] of described) putTexts(config, bytes, payload);
  return bytes;
}

/** The description without its texts, which `putTexts` adds as bytes. */
function describe(config: Config, nodeId: number, namesId: number): NamesBlock {
  const { fields, version, segment } = config;
  return namesBlockOf({ nodeId, namesId, detType: '', detName: '', alg: '', segment, version, fields });
}

function putTexts(config: Config, bytes: Buffer, payload: number): void {
  for (const part of ['detType', 'detName', 'detId', 'alg'] as const)
    bytes.set(config[part], payload + NAME_INFO[part]);
}
