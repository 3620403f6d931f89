// Says which frame an event had, after a while.
export default class ChaosWorker {
  async processEvent(event) {
    const { htype, frame } = JSON.parse(event.streams.get('det').frames[0].toString());
    await new Promise((done) => setTimeout(done, Number(process.env.CHAOS_MS ?? 5)));
    return htype === 'image' ? { frame } : undefined;
  }
}
