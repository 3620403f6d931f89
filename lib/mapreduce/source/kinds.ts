/** The kinds of sources, by name (spec mapreduce.md 7). */

import { contrast } from './contrast.ts';
import { Lecroy } from './lecroy.ts';
import { albaem, eigerLegacy, stins } from './marked.ts';
import { pcap } from './pcap.ts';
import { PcapRaw } from './pcap-raw.ts';
import { sardana } from './sardana.ts';
import type { Protocol } from './types.ts';
import { Xspress } from './xspress.ts';
import { Xtc } from './xtc.ts';

/** How messages come. `sub` loses what nobody reads; all others wait. */
export type Carrier = 'pull' | 'sub' | 'tcp' | 'http' | 'dgrams' | 'recorded' | 'hdf5' | 'script';

export interface Kind {
  readonly carrier: Carrier;
  /** undefined: the recording, or the class, says what its frames are. */
  readonly protocol: (() => Protocol) | undefined;
  /** Data frames carry numbers. */
  readonly numbered: boolean;
}

export const KINDS = {
  stins: { carrier: 'pull', protocol: stins, numbered: true },
  'eiger-legacy': { carrier: 'pull', protocol: eigerLegacy, numbered: true },
  xspress: { carrier: 'sub', protocol: () => new Xspress(), numbered: true },
  contrast: { carrier: 'sub', protocol: contrast, numbered: false },
  albaem: { carrier: 'sub', protocol: albaem, numbered: true },
  pcap: { carrier: 'sub', protocol: pcap, numbered: true },
  'pcap-raw': { carrier: 'tcp', protocol: () => new PcapRaw(), numbered: false },
  lecroy: { carrier: 'sub', protocol: () => new Lecroy(), numbered: false },
  sardana: { carrier: 'http', protocol: sardana, numbered: false },
  recorded: { carrier: 'recorded', protocol: undefined, numbered: false },
  xtc: { carrier: 'dgrams', protocol: () => new Xtc(), numbered: false },
  script: { carrier: 'script', protocol: undefined, numbered: false },
  hdf5: { carrier: 'hdf5', protocol: stins, numbered: true },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;

export const KIND_NAMES = Object.keys(KINDS) as readonly KindName[];
