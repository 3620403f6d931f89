/**
 * The rules of spec teb.md, 4.1 to 4.3, once more: slow and obvious. Everything is a list of objects that is searched from the beginning,
 * every rule stands where the specification has it, and nothing is shared with the real builder.
 */

export interface NaiveConfig {
  common: number;
  sources: { id: number; group: number }[];
  timeoutMs: number;
  skewTicks: number;
  deadAfterMs: number;
  maxOpen: number;
}

export interface NaiveContribution {
  source: number;
  pid: number;
  service: number;
  rogs: number;
  damage: number;
  marker: boolean;
  /** Tells contributions apart. */
  serial: number;
}

export interface NaiveEvent {
  pid: number;
  service: number;
  rogs: number;
  contract: number[];
  built: Map<number, number>;
  missing: number[];
  damage: number;
  firstSeen: number;
  why: string;
}

const [CONFIGURE, SLOW_UPDATE, L1] = [2, 10, 12];

export class NaiveBuilder {
  readonly config: NaiveConfig;
  open: NaiveEvent[] = [];
  /** Closed and not given back. */
  held: NaiveEvent[] = [];
  remembered: NaiveEvent[] = [];
  last = new Map<number, number>();
  ended = new Set<number>();
  dead = new Set<number>();
  heard = new Map<number, number>();
  lastHeard: number | undefined;
  newest = -1;
  /** Pid of the Configure that began this run, if pids went back with it: nothing older belongs to the run. */
  floor = 0;

  constructor(config: NaiveConfig) {
    this.config = config;
  }

  contribute(c: NaiveContribution, now: number): string {
    const verdict = this.take(c, now);
    this.close(now);
    return verdict;
  }

  private take(c: NaiveContribution, now: number): string {
    const known = this.config.sources.find(({ id }) => id === c.source);
    if (!known) return c.marker ? 'marker' : 'foreign';
    if (this.lastHeard === undefined) for (const { id } of this.config.sources) this.heard.set(id, now);
    this.lastHeard = now;
    this.heard.set(c.source, now);
    this.dead.delete(c.source);
    this.ended.delete(c.source);
    return c.marker ? this.mark(c) : this.judge(c, known.group, now);
  }

  tick(now: number): void {
    for (const { id } of this.config.sources) {
      if (this.lastHeard !== undefined && this.lastHeard - this.heard.get(id)! >= this.config.deadAfterMs)
        this.dead.add(id);
    }
    this.close(now);
  }

  end(source: number, now: number): void {
    this.ended.add(source);
    this.close(now);
  }

  endAll(now: number): void {
    for (const { id } of this.config.sources) this.ended.add(id);
    this.close(now);
  }

  lost(source: number, now: number): void {
    this.dead.add(source);
    this.close(now);
  }

  /** The first member of the oldest event that has not contributed, has shown nothing newer, and may still come. */
  get awaited(): number | undefined {
    const oldest = this.open[0];
    return oldest && this.blockers(oldest).find((id) => !this.dead.has(id));
  }

  private mark(c: NaiveContribution): string {
    this.last.set(c.source, Math.max(this.shown(c.source), c.pid));
    return 'marker';
  }

  private judge(c: NaiveContribution, group: number, now: number): string {
    const { common } = this.config;
    if (c.service === L1 && !(c.rogs & (1 << common))) return this.passed(c, 'no_common');
    if ((c.service === L1 || c.service === SLOW_UPDATE) && !(c.rogs & (1 << group))) return 'foreign';
    if (this.asksRestart(c)) {
      if (this.isFull(c.source)) return 'full';
      this.last.clear();
      this.remembered = [];
      this.newest = -1;
      this.floor = c.pid;
    }
    const event = this.open.find(({ pid }) => pid === c.pid);
    const gone = this.remembered.find(({ pid }) => pid === c.pid);
    if (event?.built.has(c.source) || gone?.built.has(c.source)) return 'duplicate';
    if (gone?.missing.includes(c.source)) return this.passed(c, 'late');
    if (c.pid <= this.shown(c.source)) return 'back';
    if (this.remembered.some(({ pid }) => pid >= c.pid) || c.pid < this.floor) return this.passed(c, 'late');
    if (event && event.service !== c.service) return 'svc_mismatch';
    if (!event && this.isFull(c.source)) return 'full';
    const target = event ?? this.begin(c, now);
    target.built.set(c.source, c.serial);
    target.damage |= c.damage;
    this.last.set(c.source, c.pid);
    this.newest = Math.max(this.newest, c.pid);
    if (target.rogs === c.rogs) return 'accepted';
    target.damage |= 0x4;
    return 'rogs_mismatch';
  }

  private asksRestart(c: NaiveContribution): boolean {
    const left = this.remembered.at(-1);
    const isAgain = left?.pid === c.pid && left.service === CONFIGURE;
    return c.service === CONFIGURE && this.open.length === 0 && c.pid <= this.shown(c.source) && !isAgain;
  }

  private isFull(source: number): boolean {
    if (this.open.length + this.held.length < this.config.maxOpen) return false;
    return source !== this.awaited || this.held.length > 0;
  }

  private begin({ pid, service, rogs }: NaiveContribution, now: number): NaiveEvent {
    const everybody = service !== L1 && service !== SLOW_UPDATE;
    const members = this.config.sources.filter(({ group }) => everybody || rogs & (1 << group));
    const contract = members.map(({ id }) => id);
    const event = { pid, service, rogs, contract, built: new Map(), missing: [], damage: 0, firstSeen: now, why: '' };
    this.open.push(event);
    this.open.sort((a, b) => a.pid - b.pid);
    return event;
  }

  private passed(c: NaiveContribution, reason: string): string {
    if (c.pid > this.shown(c.source)) {
      this.last.set(c.source, c.pid);
      this.newest = Math.max(this.newest, c.pid);
    }
    return reason;
  }

  private shown(source: number): number {
    return this.last.get(source) ?? -1;
  }

  private blockers(event: NaiveEvent): number[] {
    return event.contract.filter((id) => !event.built.has(id) && this.shown(id) < event.pid && !this.ended.has(id));
  }

  private close(now: number): void {
    while (this.open.length > 0) {
      const oldest = this.open[0]!;
      const why = this.whyToClose(oldest, now);
      if (why === undefined) return;
      this.open.shift();
      oldest.why = why;
      oldest.missing = oldest.contract.filter((id) => !oldest.built.has(id));
      if (oldest.missing.length > 0) oldest.damage |= 0x10;
      if (why === 'skew' || why === 'timeout') oldest.damage |= 0x40;
      if (oldest.service === CONFIGURE) this.remembered = [];
      this.remembered.push(oldest);
      this.held.push(oldest);
    }
  }

  private whyToClose(event: NaiveEvent, now: number): string | undefined {
    const absent = event.contract.filter((id) => !event.built.has(id));
    if (absent.length === 0) return 'complete';
    const shownNewer = (id: number) => this.shown(id) >= event.pid;
    const passedBy = absent.every((id) => shownNewer(id) || this.ended.has(id)) ? absent : undefined;
    if (passedBy) return passedBy.every(shownNewer) ? 'watermark' : 'eof';
    if (this.newest - event.pid > this.config.skewTicks) return 'skew';
    if (now - event.firstSeen >= this.config.timeoutMs) return 'timeout';
    if (this.blockers(event).every((id) => this.dead.has(id))) {
      return absent.some((id) => !shownNewer(id) && this.ended.has(id)) ? 'eof' : 'watermark';
    }
    return undefined;
  }
}
