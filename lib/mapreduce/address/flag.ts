/** `--advertise`, the same for all roles that listen. */

import * as Flags from '@oclif/core/flags';
import { advertisedHost } from './advertise.ts';

/** @param helpGroup as in oclif */
export const advertiseFlag = (helpGroup?: string) =>
  Flags.string({
    summary: 'host that others are told instead of the bound one',
    helpValue: 'HOST',
    ...(helpGroup === undefined ? {} : { helpGroup }),
    parse: async (text) => advertisedHost(text),
  });
