/** What keys do to what is on the screen. Pure: a view and a key in, a view out. */

import { PANELS, type Panel } from './panels.ts';

export interface ViewState {
  panel: Panel;
  /** Nothing on the screen changes; reading goes on. */
  paused: boolean;
  help: boolean;
  /** Lines scrolled away from where the panel starts. */
  scroll: number;
}

export const FIRST_VIEW: ViewState = { panel: 'overview', paused: false, help: false, scroll: 0 };

export type Key = 'pause' | 'next' | 'previous' | 'help' | 'up' | 'down' | 'page-up' | 'page-down' | 'home';

/**
 * @param page lines of a page
 * @param limit largest useful scroll
 * @param fromEnd the panel shows its end first, so scrolling up moves away from it
 */
export function pressed(view: ViewState, key: Key, page: number, limit: number, fromEnd: boolean): ViewState {
  switch (key) {
    case 'pause':
      return { ...view, paused: !view.paused };
    case 'help':
      return { ...view, help: !view.help };
    case 'next':
    case 'previous': {
      const step = key === 'next' ? 1 : PANELS.length - 1;
      const panel = PANELS[(PANELS.indexOf(view.panel) + step) % PANELS.length]!;
      return { ...view, panel, scroll: 0, help: false };
    }
    case 'home':
      return { ...view, scroll: 0 };
    default: {
      const lines = key.startsWith('page') ? page : 1;
      const away = key.endsWith('down') !== fromEnd;
      return { ...view, scroll: Math.max(0, Math.min(limit, view.scroll + (away ? lines : -lines))) };
    }
  }
}

/** Lines on the screen, given what is scrolled away. */
export function visible(lines: readonly string[], rows: number, scroll: number, fromEnd: boolean): readonly string[] {
  if (rows <= 0) return [];
  const limit = Math.max(0, lines.length - rows);
  const from = fromEnd ? limit - Math.min(scroll, limit) : Math.min(scroll, limit);
  return lines.slice(from, from + rows);
}
