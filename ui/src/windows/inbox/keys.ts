/** The keys of the main window, and what they do. Pure. */

/** The pages of the main window, in the side bar's order. */
export const PAGES = ['inbox', 'sent', 'relays', 'settings', 'doctor'] as const;
export type Page = (typeof PAGES)[number];

export type Action =
  | Page
  | 'next'
  | 'previous'
  | 'through-next'
  | 'through-previous'
  | 'pick'
  | 'pick-all'
  | 'read'
  | 'unread'
  | 'delete'
  | 'undo'
  | 'acknowledge'
  | 'reply'
  | 'search'
  | 'compose'
  | 'help'
  | 'back';

const KEYS: Record<string, Action> = {
  j: 'next',
  ArrowDown: 'next',
  k: 'previous',
  ArrowUp: 'previous',
  x: 'pick',
  e: 'read',
  u: 'unread',
  Delete: 'delete',
  a: 'acknowledge',
  r: 'reply',
  c: 'compose',
  '/': 'search',
  '?': 'help',
  Escape: 'back',
};

/** With Shift, what moves takes along. */
const WITH_SHIFT: Partial<Record<Action, Action>> = {
  next: 'through-next',
  previous: 'through-previous',
};

const WITH_CONTROL: Record<string, Action> = {
  a: 'pick-all',
  z: 'undo',
  ',': 'settings',
  ...Object.fromEntries(PAGES.map((page, at) => [`${at + 1}`, page])),
};

/** Whether it is to go to a page. */
export function isPage(action: Action): action is Page {
  return (PAGES as readonly Action[]).includes(action);
}

/** What a key means here; nothing while somebody writes, or where the focused part uses it. */
export function actionOf(event: KeyboardEvent): Action | null {
  if (event.defaultPrevented || event.altKey) return null;
  const at = event.target instanceof Element ? event.target : null;
  const dialog = at?.closest('[role=dialog], [role=alertdialog]') ?? null;
  const writes = dialog ?? at?.closest('input, textarea, select') ?? null;
  if (event.ctrlKey || event.metaKey) {
    const action = WITH_CONTROL[event.key.toLowerCase()] ?? null;
    // Whoever writes in a dialog stays there.
    if (action && isPage(action) && !dialog) return action;
    return writes ? null : action;
  }
  if (writes) return null;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
  // Arrows move within a group of choices, and scroll a message that has the focus.
  if (event.key.startsWith('Arrow') && at?.closest('[role=radiogroup], article')) return null;
  return (event.shiftKey && action && WITH_SHIFT[action]) || action;
}
