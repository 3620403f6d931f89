/** Colours on terminals only, and never with NO_COLOR (which chalk by itself does not know). */

import { Chalk } from 'chalk';

export const colour = process.env.NO_COLOR ? new Chalk({ level: 0 }) : new Chalk();
