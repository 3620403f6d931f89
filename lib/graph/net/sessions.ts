/** Processes that have said hello to the manager: one for each place of the cluster. Pure. */

import type { Hello, Role } from './messages.ts';

export interface Session {
  readonly role: Role;
  readonly id: number;
  readonly uid: string;
  /** How the socket names it. */
  readonly route: string;
  readonly endpoint: string;
  /** Workers: heartbeats from here on, and before there, are its own. */
  from: number;
  until: number;
  /** Workers: bytes of events that it has not worked through. */
  outstanding: number;
  /** It has asked to go. */
  leaving: boolean;
  /** The last hello. */
  readonly hello: Hello;
}

const place = (role: Role, id: number) => `${role} ${id}`;

export class Sessions {
  readonly #byPlace = new Map<string, Session>();
  readonly #byRoute = new Map<string, Session>();

  /**
   * A process again on the same connection goes on with what it has waiting.
   * @returns the session that stood in this place before, if another process did
   */
  enter(route: string, hello: Hello): Session | undefined {
    const { role, id, uid, endpoint } = hello;
    const before = this.#byPlace.get(place(role, id));
    if (before) this.#byRoute.delete(before.route);
    const state =
      before?.route === route
        ? { from: before.from, until: before.until, outstanding: before.outstanding, leaving: before.leaving }
        : { from: Number.POSITIVE_INFINITY, until: Number.POSITIVE_INFINITY, outstanding: 0, leaving: false };
    const session: Session = { role, id, uid, route, endpoint, hello, ...state };
    this.#byPlace.set(place(role, id), session);
    this.#byRoute.set(route, session);
    return before && before.uid !== uid ? before : undefined;
  }

  at(route: string): Session | undefined {
    return this.#byRoute.get(route);
  }

  get(role: Role, id: number): Session | undefined {
    return this.#byPlace.get(place(role, id));
  }

  get all(): readonly Session[] {
    return [...this.#byPlace.values()];
  }

  of(role: Role): readonly Session[] {
    return this.all.filter((session) => session.role === role);
  }

  remove(session: Session): void {
    this.#byRoute.delete(session.route);
    if (this.#byPlace.get(place(session.role, session.id)) === session)
      this.#byPlace.delete(place(session.role, session.id));
  }
}

/** `worker 3`, `local 0`, `global`: for people. */
export function nameOf({ role, id }: Pick<Session, 'role' | 'id'>): string {
  return role === 'global' ? 'the global collector' : `${role === 'local' ? 'local collector' : role} ${id}`;
}
