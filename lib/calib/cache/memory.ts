/** Contents that were used lately, up to so many bytes. */

export interface Contents {
  readonly bytes: Buffer;
  /** Hexadecimal. */
  readonly sha256: string;
}

export class MemoryCache {
  private readonly limit: number;
  /** The one used last stands last. */
  private readonly entries = new Map<string, Contents>();
  private total = 0;

  /** @param limit bytes; what is larger than that is not kept at all */
  constructor(limit: number) {
    this.limit = limit;
  }

  get bytes(): number {
    return this.total;
  }

  get(key: string): Contents | undefined {
    const found = this.entries.get(key);
    if (found === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, found);
    return found;
  }

  put(key: string, contents: Contents): void {
    this.remove(key);
    if (contents.bytes.length > this.limit) return;
    this.entries.set(key, contents);
    this.total += contents.bytes.length;
    for (const oldest of this.entries.keys()) {
      if (this.total <= this.limit) return;
      this.remove(oldest);
    }
  }

  private remove(key: string): void {
    const found = this.entries.get(key);
    if (found === undefined) return;
    this.total -= found.bytes.length;
    this.entries.delete(key);
  }
}
