/** A descriptor that the binding has opened. */
import { native } from './native.ts';

/** Closes the descriptors of objects that were forgotten. */
const forgotten = new FinalizationRegistry<number>((fd) => native().closeDescriptor(fd));

/**
 * Owned by one object, which must not be in use any more when it is collected: a watch refers to it.
 * At the end of a worker thread the binding closes what is left.
 */
export class Descriptor {
  #fd: number;

  /** @param fd as the binding returned it */
  constructor(fd: number) {
    this.#fd = fd;
    forgotten.register(this, fd, this);
  }

  /** -1 when closed. */
  get fd(): number {
    return this.#fd;
  }

  close(): void {
    if (this.#fd < 0) return;
    forgotten.unregister(this);
    native().closeDescriptor(this.#fd);
    this.#fd = -1;
  }
}
