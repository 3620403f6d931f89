/** `--advertise`, the same for all roles that listen; `advertisedHost` reads it. */

import * as Flags from '@oclif/core/flags';

/** @param helpGroup as in oclif */
export const advertiseFlag = (helpGroup?: string) =>
  Flags.string({
    summary: 'host that others are told instead of the bound one',
    helpValue: 'HOST',
    ...(helpGroup === undefined ? {} : { helpGroup }),
  });
