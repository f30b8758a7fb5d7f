/** What the list holds: comparing filters, and whether a message that came is one of it. Pure. */
import type { Filter, Priority, Row } from '../../lib/backend/bindings';

export const NONE: Filter = {
  search: '',
  unread: false,
  sender: null,
  group: null,
  tag: null,
  relay: null,
  priority: null,
};

const ORDER: Priority[] = ['min', 'low', 'default', 'high', 'urgent'];

export function same(a: Filter, b: Filter): boolean {
  return (Object.keys(NONE) as (keyof Filter)[]).every((key) => a[key] === b[key]);
}

/** Whether anything is left out, but for what was read. */
export function narrows(filter: Filter): boolean {
  return !same({ ...filter, unread: false }, NONE);
}

/** Whether a row is in the list; null where only the agent can say. */
export function holds(filter: Filter, row: Row): boolean | null {
  const { sender, group, tag, relay, priority } = filter;
  const inside =
    !(filter.unread && row.read) &&
    (sender === null || row.sender === sender) &&
    (group === null || row.group === group) &&
    (relay === null || row.relay === relay) &&
    (tag === null || row.tags.includes(tag)) &&
    (priority === null || ORDER.indexOf(row.priority) >= ORDER.indexOf(priority));
  if (!inside) return false;
  return filter.search.trim() === '' ? true : null;
}
