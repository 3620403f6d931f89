// Which frame each event had, and how often its result was reduced.
export default class ChaosReducer {
  publish = { frames: new Map(), times: new Map() };

  processResult({ event_number, payload: { frame } }) {
    const { frames, times } = this.publish;
    frames.set(String(event_number), frame);
    times.set(String(event_number), (times.get(String(event_number)) ?? 0) + 1);
  }
}
