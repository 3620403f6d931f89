/** Which Redis, the same for all roles. */

import * as Flags from '@oclif/core/flags';

/** @param group of the help, if not the common one */
export const registryFlags = (group?: { readonly helpGroup: string }) => ({
  redis: Flags.string({ summary: 'redis://[USER:PASSWORD@]HOST:PORT[/DB]', helpValue: 'URL', ...group }),
  insecure: Flags.boolean({ summary: 'Redis on another machine needs no password', ...group }),
  prefix: Flags.string({ summary: 'first word of all keys in Redis', helpValue: 'WORD', ...group }),
});
