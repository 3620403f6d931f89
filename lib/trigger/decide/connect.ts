/** What scripts learn about the partition: the connect information of the existing system (spec teb.md, 5.1), and the size of primitives. */

import type { DeciderSetup } from './types.ts';

/** `p<partition>_teb<id>`, the base of names. */
export function keyBase({ common, id }: DeciderSetup): string {
  return `p${common}_teb${id}`;
}

export function connectInfo(setup: DeciderSetup): object {
  const { instrument, configDatabase } = setup;
  const known = instrument !== undefined || configDatabase !== undefined;
  const control = known
    ? { 0: { control_info: { instrument: instrument ?? '', cfg_dbase: configDatabase ?? '' } } }
    : {};
  const drp = setup.drps.map(({ id, alias, rog, buffers, kind }) => [
    `drp${id}`,
    {
      drp_id: id,
      proc_info: { alias },
      det_info: { readout: rog, ...(kind === undefined ? {} : { primitive: kind }) },
      connect_info: { num_buffers: buffers },
    },
  ]);
  const meb = setup.mebs.map(({ id, alias, buffers }) => [
    `meb${id}`,
    { meb_id: id, proc_info: { alias }, connect_info: { max_ev_count: buffers } },
  ]);
  return {
    header: { key: 'connect' },
    body: {
      control,
      drp: Object.fromEntries(drp),
      teb: { [`teb${setup.id}`]: { teb_id: setup.id, proc_info: { alias: `teb${setup.id}` } } },
      // Absent if there are none: existing scripts ask whether it is there.
      ...(meb.length === 0 ? {} : { meb: Object.fromEntries(meb) }),
    },
  };
}

/** Bytes of a slot per source, in order of source number: header and largest primitive. */
export function slotSizes({ drps }: DeciderSetup, byDefault = 4096): number[] {
  const byNumber = [...drps].sort((a, b) => a.id - b.id);
  return byNumber.map(({ primBytes }) => 32 + (primBytes ?? byDefault));
}
