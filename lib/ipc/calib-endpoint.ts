/** Where a publisher of calibration constants listens on its own machine, unless told otherwise (spec calib-pub.md, section 2). */

import { join } from 'node:path';
import { runtimeFolder } from '../cli/runtime-folder.ts';
import { UsageError } from '../errors.ts';

/**
 * @param detector `epix_0`; or `epix`, if one publisher serves all segments
 * @throws UsageError if that is no part of a file name, DaqError `ipc-refused` if there is no private folder for it
 */
export function localCalibEndpoint(partition: number, detector: string): string {
  if (detector.includes('/')) throw new UsageError(`the detector "${detector}" makes no file name`);
  return `ipc://${join(runtimeFolder(), `calib-p${partition}-${detector}.sock`)}`;
}
