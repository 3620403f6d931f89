/** Who is on the other end of a socket, from the events that the library reports. Pure: events in, answers out. */

export class Peers {
  private connected = 0;
  private seen = false;
  private refused = 0;

  /** @param type of an event as zeromq names them; those that say nothing about peers are passed over */
  event(type: string): void {
    if (type === 'handshake') {
      this.connected++;
      this.seen = true;
    } else if (type.startsWith('handshake:error')) {
      this.refused++;
    } else if (type === 'disconnect') {
      // A connection that never spoke the protocol (a port scan) ends with a disconnect too.
      if (this.refused > 0) this.refused--;
      else this.connected = Math.max(0, this.connected - 1);
    }
  }

  /** There is somebody now. */
  get present(): boolean {
    return this.connected > 0;
  }

  /** There was somebody, and nobody is left. */
  get gone(): boolean {
    return this.seen && this.connected === 0;
  }
}
