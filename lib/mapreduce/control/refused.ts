/** A request that is not done, with the HTTP status that says so. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  /** Names, if some are to blame. */
  readonly names: readonly string[];

  constructor(status: number, code: string, message: string, names: readonly string[] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.names = names;
  }
}
