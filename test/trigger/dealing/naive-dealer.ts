/** Spec teb.md, 8.2 and 8.3, once more: lists of free buffers, every step as it is written there. */

export interface NaiveSetup {
  common: number;
  groups: number[];
  mebs: { id: number; buffers: number }[];
  reserved: number[];
  throttle: number;
  fairGroups: boolean;
}

export class NaiveDealer {
  free = new Map<number, number[]>();
  /** Slow groups of the event that has a buffer, by `meb:buffer`. */
  out = new Map<string, number[]>();
  private turn = 0;
  private lastMon = 0;
  private readonly setup: NaiveSetup;

  constructor(setup: NaiveSetup) {
    this.setup = setup;
    for (const { id, buffers } of setup.mebs)
      this.free.set(
        id,
        Array.from({ length: buffers }, (_, b) => b),
      );
  }

  configure(): void {
    this.turn = 0;
    this.lastMon = 0;
    this.out.clear();
    for (const { id, buffers } of this.setup.mebs)
      this.free.set(
        id,
        Array.from({ length: buffers }, (_, b) => b),
      );
  }

  /** @returns monitor and buffer */
  deal(pid: number, rogs: number, wish: number): [number, number] | undefined {
    const existing = this.setup.mebs.map(({ id }) => id);
    if (wish === 0 || pid - this.lastMon <= this.setup.throttle) return undefined;
    const asked = new Set(existing.filter((id) => wish & (1 << id)));
    const rotate = asked.size === existing.length;
    while (asked.size > 0) {
      const m = rotate ? existing[this.turn]! : Math.min(...asked);
      if (rotate) this.turn = (this.turn + 1) % existing.length;
      asked.delete(m);
      const free = this.free.get(m)!;
      if (free.length > this.need(m, rogs)) {
        const buffer = free.shift()!;
        this.out.set(`${m}:${buffer}`, this.slowGroups(rogs));
        this.lastMon = pid;
        return [m, buffer];
      }
    }
    return undefined;
  }

  giveBack(meb: number, buffer: number): string {
    const size = this.setup.mebs.find(({ id }) => id === meb)?.buffers;
    if (size === undefined || buffer >= size) return 'foreign';
    if (this.free.get(meb)!.includes(buffer)) return 'double';
    this.free.get(meb)!.push(buffer);
    this.out.delete(`${meb}:${buffer}`);
    return 'free';
  }

  private slowGroups(rogs: number): number[] {
    const slow = new Set(this.setup.groups.filter((group) => group !== this.setup.common));
    return [...slow].filter((group) => rogs & (1 << group));
  }

  private need(meb: number, rogs: number): number {
    const { reserved, mebs, fairGroups } = this.setup;
    const size = mebs.find(({ id }) => id === meb)!.buffers;
    const mine = this.slowGroups(rogs);
    const slow = this.slowGroups(0xff);
    if (mine.length === 0) return slow.reduce((sum, group) => sum + Math.min(reserved[group]!, size), 0);
    if (!fairGroups) return 0;
    const used = (group: number) =>
      [...this.out].filter(([key, groups]) => key.startsWith(`${meb}:`) && groups.includes(group)).length;
    const others = slow.filter((group) => !mine.includes(group));
    return others.reduce((sum, group) => sum + Math.max(0, Math.min(reserved[group]!, size) - used(group)), 0);
  }
}
