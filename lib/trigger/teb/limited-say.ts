/** Messages that may come with every event: the first ten are said, then one a second, with the number of those passed over. */

const AT_ONCE = 10;
const THEN_EVERY_MS = 1000;

export class LimitedSay {
  private readonly say: (text: string) => void;
  private said = 0;
  private passedOver = 0;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(say: (text: string) => void) {
    this.say = say;
  }

  /** @param text made only if it is said */
  line(now: number, text: () => string): void {
    if (this.said >= AT_ONCE && now - this.lastAt < THEN_EVERY_MS) {
      this.passedOver++;
      return;
    }
    this.said++;
    this.lastAt = now;
    const more = this.passedOver === 0 ? '' : ` (and ${this.passedOver} more of this kind)`;
    this.passedOver = 0;
    this.say(`${text()}${more}`);
  }
}
