/** Transition ids and the env word (spec xtc2.md, section 5). */

export const SERVICES = [
  'ClearReadout',
  'Reset',
  'Configure',
  'Unconfigure',
  'BeginRun',
  'EndRun',
  'BeginStep',
  'EndStep',
  'Enable',
  'Disable',
  'SlowUpdate',
  'Unused_11',
  'L1Accept',
  'Invalid_13',
  'Invalid_14',
  'Invalid_15',
] as const;
export type ServiceName = (typeof SERVICES)[number];

export const SERVICE = {
  ClearReadout: 0,
  Reset: 1,
  Configure: 2,
  Unconfigure: 3,
  BeginRun: 4,
  EndRun: 5,
  BeginStep: 6,
  EndStep: 7,
  Enable: 8,
  Disable: 9,
  SlowUpdate: 10,
  Unused_11: 11,
  L1Accept: 12,
} as const;

/** Transition id of a name, any letter case; undefined if there is none. */
export function serviceByName(name: string): number | undefined {
  const wanted = name.toLowerCase();
  const index = SERVICES.findIndex((service) => service.toLowerCase() === wanted);
  return index < 0 ? undefined : index;
}

/** Name of a transition id 0..15. */
export function serviceName(service: number): ServiceName {
  return SERVICES[service & 0xf]!;
}

/** Events as psana counts them: L1Accept and the end-of-batch service 11. */
export function isEvent(service: number): boolean {
  return service === SERVICE.L1Accept || service === SERVICE.Unused_11;
}

/** Fields of an env word; `low` is bits 23:0 (section 5.1). */
export function makeEnv(service: number, low: number, type = 0): number {
  return ((type << 28) | (service << 24) | (low & 0xffffff)) >>> 0;
}

export function envService(env: number): number {
  return (env >>> 24) & 0xf;
}

/** 0 Event, 1 Occurrence, 2 Marker, 3 does not exist. */
export function envType(env: number): number {
  return (env >>> 28) & 3;
}

/** Readout-group mask, bits 15:0. */
export function envGroups(env: number): number {
  return env & 0xffff;
}

/** The env word with another transition id and everything else untouched (section 20). */
export function withService(env: number, service: number): number {
  return ((env & 0xf0ffffff) | (service << 24)) >>> 0;
}

/** Readout-group numbers of a mask, ascending. */
export function groupNumbers(mask: number): number[] {
  const groups: number[] = [];
  for (let bit = 0; bit < 16; bit++) if (mask & (1 << bit)) groups.push(bit);
  return groups;
}
