/** What workers are told about constants at BeginRun, and what they answer with if they have understood it. */
export interface Told {
  /** JSON: `{"set": PATH, "segment": PATH}`, `{"none": SENTENCE}`; empty without --calib. */
  text: string;
  /** First 32 bits of the hash of the constants; 0 for none. */
  check: number;
}

export const NOTHING_TOLD: Told = { text: '', check: 0 };
