/** What keys do to what `daq-top` shows. Pure: a view and a key in, a view out. */

import { COLUMNS, type Order } from './table.ts';

export interface TopView {
  readonly order: Order;
  readonly filter: string;
  /** Keys are letters of the filter. */
  readonly typing: boolean;
  /** Address of the process under the cursor; undefined: the first. */
  readonly selected: string | undefined;
  /** Shows the selected process alone. */
  readonly detail: boolean;
  /** Lines scrolled away in `detail`. */
  readonly scroll: number;
  readonly paused: boolean;
  readonly help: boolean;
}

export const FIRST_VIEW: TopView = {
  order: { by: undefined, reverse: false },
  filter: '',
  typing: false,
  selected: undefined,
  detail: false,
  scroll: 0,
  paused: false,
  help: false,
};

export type TopKey =
  | {
      readonly kind:
        | 'up'
        | 'down'
        | 'enter'
        | 'escape'
        | 'backspace'
        | 'sort'
        | 'reverse'
        | 'filter'
        | 'pause'
        | 'help';
    }
  | { readonly kind: 'text'; readonly text: string };

/**
 * @param addresses as they are shown, after sorting and filtering
 * @param lines of the detail view
 */
export function pressed(view: TopView, key: TopKey, addresses: readonly string[], lines: number): TopView {
  if (view.typing) return typed(view, key);
  switch (key.kind) {
    case 'up':
    case 'down':
      return moved(view, key.kind === 'up' ? -1 : 1, addresses, lines);
    case 'enter':
      return addresses.length === 0 ? view : { ...view, detail: true, scroll: 0, selected: at(view, addresses, 0) };
    case 'escape':
    case 'backspace':
      if (view.help) return { ...view, help: false };
      return view.detail ? { ...view, detail: false } : { ...view, filter: '' };
    case 'sort':
      return { ...view, order: { by: nextColumn(view.order.by), reverse: false } };
    case 'reverse':
      return { ...view, order: { ...view.order, reverse: !view.order.reverse } };
    case 'filter':
      return { ...view, typing: true, detail: false, help: false };
    case 'pause':
      return { ...view, paused: !view.paused };
    case 'help':
      return { ...view, help: !view.help };
    default:
      return view;
  }
}

function typed(view: TopView, key: TopKey): TopView {
  if (key.kind === 'text') return { ...view, filter: view.filter + key.text };
  if (key.kind === 'backspace') return { ...view, filter: view.filter.slice(0, -1) };
  if (key.kind === 'escape') return { ...view, typing: false, filter: '' };
  return key.kind === 'enter' ? { ...view, typing: false } : view;
}

function moved(view: TopView, step: number, addresses: readonly string[], lines: number): TopView {
  if (view.detail) return { ...view, scroll: Math.max(0, Math.min(lines - 1, view.scroll + step)) };
  return { ...view, selected: at(view, addresses, step) };
}

/** The process `step` lines from the cursor. */
function at({ selected }: TopView, addresses: readonly string[], step: number): string | undefined {
  const here = Math.max(0, selected === undefined ? 0 : addresses.indexOf(selected));
  return addresses[Math.max(0, Math.min(addresses.length - 1, here + step))];
}

/** Each column in turn, then none. */
function nextColumn(by: string | undefined): string | undefined {
  return COLUMNS[COLUMNS.findIndex(({ title }) => title === by) + 1]?.title;
}

/** First row of `rows` shown in a window of `height`, so that `selected` is inside. */
export function firstShown(selected: number, count: number, height: number): number {
  return Math.max(0, Math.min(selected - height + 1, count - height));
}
