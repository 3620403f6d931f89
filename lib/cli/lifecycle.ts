/**
 * Signals, in one place. The first SIGINT or SIGTERM aborts `stop`: whoever reads input ends there, drains and closes. A second
 * one runs the emergency clean-ups (unlink IPC objects) and ends at once. SIGUSR1 prints the balance.
 */

import { constants } from 'node:os';

type StopSignal = 'SIGINT' | 'SIGTERM';

export class Lifecycle {
  private readonly controller = new AbortController();
  private readonly emergencies = new Set<() => void>();
  private balance: (() => string) | undefined;
  private signal: StopSignal | undefined;
  private readonly handlers: [NodeJS.Signals, () => void][] = [];

  /** Aborted by the first SIGINT or SIGTERM. */
  get stop(): AbortSignal {
    return this.controller.signal;
  }

  /** 128 + n if a signal asked to stop, else undefined. */
  get signalStatus(): number | undefined {
    return this.signal === undefined ? undefined : 128 + constants.signals[this.signal];
  }

  /** What SIGUSR1 prints to stderr. */
  onBalance(balance: () => string): void {
    this.balance = balance;
  }

  /**
   * Registers a synchronous clean-up for a hard end.
   * @returns a function that takes it back
   */
  onEmergency(cleanUp: () => void): () => void {
    this.emergencies.add(cleanUp);
    return () => this.emergencies.delete(cleanUp);
  }

  /** Ends a command from the inside as a first signal would, without changing the exit status. */
  requestStop(): void {
    this.controller.abort();
  }

  install(): void {
    this.listen('SIGUSR1', () =>
      process.stderr.write(this.balance ? `${this.balance()}\n` : 'nothing to balance yet\n'),
    );
    for (const signal of ['SIGINT', 'SIGTERM'] as const) this.listen(signal, () => this.stopBy(signal));
  }

  uninstall(): void {
    for (const [signal, handler] of this.handlers) process.removeListener(signal, handler);
    this.handlers.length = 0;
  }

  /** Runs the emergency clean-ups; each gets its turn whatever the others do. */
  runEmergencies(): void {
    for (const cleanUp of this.emergencies) {
      try {
        cleanUp();
      } catch (error) {
        process.stderr.write(`clean-up failed: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
    this.emergencies.clear();
  }

  private listen(signal: NodeJS.Signals, handler: () => void): void {
    process.on(signal, handler);
    this.handlers.push([signal, handler]);
  }

  private stopBy(signal: StopSignal): void {
    if (this.signal !== undefined) {
      this.runEmergencies();
      process.exit(128 + constants.signals[signal]);
    }
    this.signal = signal;
    this.controller.abort();
  }
}
