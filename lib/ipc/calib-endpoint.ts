/** Where a publisher of calibration constants listens on its own machine, unless told otherwise (spec calib-pub.md, section 2). */

import { join } from 'node:path';
import { runtimeFolder } from './runtime-folder.ts';

/**
 * @param detector `epix_0`; or `epix`, if one publisher serves all segments
 * @throws DaqError `ipc-refused` if there is no private folder for it
 */
export function localCalibEndpoint(partition: number, detector: string): string {
  return `ipc://${join(runtimeFolder(), `calib-p${partition}-${encodeURIComponent(detector)}.sock`)}`;
}
