/**
 * The inbox: the list, the message that is open, and what is done to one, to several or to all.
 *
 * Owns keeping the list true to the agent's: events are merged, never trusted to be complete.
 * Invariant, beside those of {@link Paged}: what is being read does not move (arrivals wait behind
 * the pill unless the list is at its top).
 */
import { reason } from '../../lib/backend/backend';
import type { Event, Filter, Message, Row } from '../../lib/backend/bindings';
import { touchClock } from '../../lib/clock.svelte';
import { words } from '../../lib/find';
import { Paged } from '../../lib/paged.svelte';
import { holds, narrows, NONE, same } from './filter';
import { Picks } from './picks.svelte';

// Sets within a function, or replaced as a whole: plain ones.
/* eslint-disable svelte/prefer-svelte-reactivity */

/** Arrivals come in swarms: a search is asked anew when one is over. */
const CALM_MS = 250;
/** More changes than this at once, and the list is read anew instead of row by row. */
const MANY = 20;
/** How long a deletion can be taken back in its toast. */
const UNDO_MS = 8000;

export class Inbox extends Paged<Row> {
  filter = $state.raw<Filter>(NONE);
  /** The words of the search, to be marked. */
  readonly words = $derived(words(this.filter.search));
  /** Whether the rows are those of a former filter: the answer to the new one is awaited. */
  asking = $state(false);
  /** Arrived while the list was not at its top. */
  waiting = $state.raw<Row[]>([]);
  /** Whether the list is scrolled to its top; its view says so. */
  atTop = $state(true);
  /** Several, to be treated together. */
  readonly picks = new Picks();
  message = $state.raw<Message | null>(null);
  html = $state('');
  messageError = $state('');
  /** The last deletion, while its toast stands. */
  removed = $state.raw<Row[]>([]);
  /** The last deletion of many, likewise. */
  removedAll = $state.raw<{ stamp: number; count: number } | null>(null);

  #undoTimer: ReturnType<typeof setTimeout> | undefined;
  #arrivalTimer: ReturnType<typeof setTimeout> | undefined;
  #threadTimer: ReturnType<typeof setTimeout> | undefined;

  /** Reads, and follows what happens; gives what ends it. */
  follow(): () => void {
    const ends = [
      this.desk.onBack(() => void this.load()),
      this.desk.onEvent((event) => this.#hear(event)),
    ];
    return () => {
      for (const end of ends) end();
      clearTimeout(this.#undoTimer);
      clearTimeout(this.#arrivalTimer);
      clearTimeout(this.#threadTimer);
    };
  }

  override async load(fresh = false): Promise<boolean> {
    const current = await super.load(fresh);
    if (!current) return false;
    this.asking = false;
    if (this.state === 'ready') {
      touchClock();
      this.waiting = [];
    }
    return true;
  }

  /** Changes what the list holds. The rows stay until the others are there, so that nothing flashes. */
  async choose(change: Partial<Filter>): Promise<void> {
    const filter = { ...this.filter, ...change };
    if (same(filter, this.filter)) return;
    this.filter = filter;
    this.asking = true;
    this.cursor = null;
    this.picks.clear();
    await this.load(true);
  }

  /** Whether the list leaves out more than what was read. */
  get narrowed(): boolean {
    return narrows(this.filter);
  }

  /** Shows what waits behind the pill. */
  showWaiting(): void {
    const arrived = this.waiting;
    this.waiting = [];
    for (const row of arrived) this.#merge(row);
    this.atTop = true;
  }

  /** Opens a message, and with that marks it read. */
  async open(id: number): Promise<void> {
    this.cursor = id;
    this.opened = id;
    this.picks.clear();
    this.messageError = '';
    if (this.message?.row.id !== id) this.message = null;
    try {
      const message = await this.desk.ask({ do: 'message', id });
      const html = await this.desk.backend.render(message.body);
      if (this.opened !== id) return;
      this.message = message;
      this.html = html;
    } catch (error) {
      if (this.opened === id) this.messageError = reason(error);
      return;
    }
    if (!this.message?.row.read) await this.mark([id], true);
  }

  close(): void {
    this.opened = null;
    this.message = null;
  }

  async mark(ids: Iterable<number>, read: boolean): Promise<void> {
    const chosen = new Set(ids);
    const were = this.rows.filter((row) => chosen.has(row.id));
    this.#set(chosen, { read });
    const done = await this.desk.attempt(() =>
      this.desk.ask({ do: 'mark', ids: [...chosen], read }),
    );
    if (!done) for (const row of were) this.#set(new Set([row.id]), { read: row.read });
  }

  /** Tells the sender that somebody takes care of it. The change is told. */
  async acknowledge(id: number, note: string): Promise<void> {
    await this.desk.attempt(() => this.desk.ask({ do: 'acknowledge', id, note }));
  }

  /** Marks all that the list holds, also what was not read yet. */
  async markAll(read: boolean): Promise<void> {
    await this.desk.attempt(() => this.desk.ask({ do: 'mark-all', filter: this.filter, read }));
  }

  /** Deletes, to be taken back with {@link undo}. The row after them takes the cursor. */
  async remove(ids: Iterable<number>): Promise<void> {
    const chosen = new Set(ids);
    const gone = this.rows.filter((row) => chosen.has(row.id));
    const open = this.message?.row;
    if (open && chosen.has(open.id) && !gone.some((row) => row.id === open.id)) gone.push(open);
    if (gone.length === 0) return;
    const last = this.rows.findLastIndex((row) => chosen.has(row.id));
    const first = this.rows.findIndex((row) => chosen.has(row.id));
    const next = this.rows[last + 1] ?? this.rows[first - 1];
    this.rows = this.rows.filter((row) => !chosen.has(row.id));
    this.picks.clear();
    if (this.opened !== null && chosen.has(this.opened)) this.close();
    this.cursor = next?.id ?? null;
    const done = this.desk.ask({ do: 'delete', ids: gone.map((row) => row.id) });
    if (!(await this.desk.attempt(() => done))) {
      for (const row of gone) this.#merge(row);
      return;
    }
    this.removed = [...this.removed, ...gone];
    this.removedAll = null;
    this.#keepUndo();
  }

  /** Deletes all that the list holds, also what was not read yet; to be taken back likewise. */
  async removeAll(): Promise<void> {
    await this.desk.attempt(async () => {
      const done = await this.desk.ask({ do: 'delete-all', filter: this.filter });
      this.close();
      this.picks.clear();
      this.cursor = null;
      this.removed = [];
      this.removedAll = done.count > 0 ? done : null;
      this.#keepUndo();
    });
  }

  /** How many messages the toast speaks of. */
  get undoable(): number {
    return this.removedAll?.count ?? this.removed.length;
  }

  /** The toast goes. */
  forget(): void {
    this.removed = [];
    this.removedAll = null;
  }

  #keepUndo(): void {
    clearTimeout(this.#undoTimer);
    this.#undoTimer = setTimeout(() => this.forget(), UNDO_MS);
  }

  /** Takes back the deletions of the toast. */
  async undo(): Promise<void> {
    const rows = this.removed;
    const all = this.removedAll;
    if (rows.length === 0 && !all) return;
    this.forget();
    clearTimeout(this.#undoTimer);
    if (all) {
      await this.desk.attempt(() => this.desk.ask({ do: 'restore-all', stamp: all.stamp }));
      return;
    }
    const ids = rows.map((row) => row.id);
    if (await this.desk.attempt(() => this.desk.ask({ do: 'restore', ids }))) {
      for (const row of rows) this.#merge(row);
      this.cursor = rows.at(-1)?.id ?? null;
    }
  }

  protected page(before: number | null, limit: number): Promise<Row[]> {
    return this.desk.ask({ do: 'inbox', before, limit, filter: this.filter });
  }

  protected isLast(page: readonly Row[], limit: number): boolean {
    return page.length < limit;
  }

  #hear(event: Event): void {
    const open = this.message;
    const answered = event.event === 'sent' && event.value.draft.replyTo === open?.row.id;
    // What comes may belong to the conversation that is open: only the agent knows.
    if (answered || (event.event === 'received' && open && open.thread.length > 0)) {
      this.#threadSoon();
    }
    if (event.event === 'received') {
      touchClock();
      const inside = holds(this.filter, event.value);
      if (inside === null) this.#askSoon();
      else if (!inside) return;
      else if (this.atTop) this.#merge(event.value);
      else this.waiting = [...this.waiting.filter((r) => r.id !== event.value.id), event.value];
    } else if (event.event === 'changed') {
      if (event.value.length === 0 || event.value.length > MANY) void this.load();
      else for (const id of event.value) void this.#reread(id);
    }
  }

  /** Only the agent knows whether what came is searched for. */
  #askSoon(): void {
    this.#arrivalTimer ??= setTimeout(() => {
      this.#arrivalTimer = undefined;
      void this.desk.attempt(async () => {
        const newest = await this.newest();
        if (!newest) return;
        const known = this.rows[0]?.id ?? 0;
        const arrived = newest.filter((row) => row.id > known);
        if (this.atTop) for (const row of arrived) this.#merge(row);
        else this.waiting = arrived.reverse();
      });
    }, CALM_MS);
  }

  /** Reads the conversation of the open message anew. */
  #threadSoon(): void {
    this.#threadTimer ??= setTimeout(() => {
      this.#threadTimer = undefined;
      const id = this.opened;
      if (id === null) return;
      void this.desk.attempt(async () => {
        const { thread } = await this.desk.ask({ do: 'message', id });
        if (this.message?.row.id === id) this.message = { ...this.message, thread };
      });
    }, CALM_MS);
  }

  /** Reads one row anew: it changed, is gone, or is back. */
  async #reread(id: number): Promise<void> {
    try {
      const { row } = await this.desk.ask({ do: 'message', id });
      if (this.waiting.some((r) => r.id === id)) {
        this.waiting = this.waiting.map((r) => (r.id === id ? row : r));
      } else {
        this.#merge(row);
      }
    } catch {
      // Deleted, here or by another face. If the agent is gone, all is read anew when it is back.
      this.rows = this.rows.filter((r) => r.id !== id);
      this.waiting = this.waiting.filter((r) => r.id !== id);
      this.picks.drop(id);
      if (this.opened === id) this.close();
    }
  }

  /** Puts a row where it belongs. */
  #merge(row: Row): void {
    if (this.message?.row.id === row.id) this.message = { ...this.message, row };
    const known = this.rows.some((r) => r.id === row.id);
    if (known || holds(this.filter, row) !== false) this.put(row);
  }

  #set(ids: ReadonlySet<number>, change: Partial<Row>): void {
    this.rows = this.rows.map((r) => (ids.has(r.id) ? { ...r, ...change } : r));
    if (this.message && ids.has(this.message.row.id)) {
      this.message = { ...this.message, row: { ...this.message.row, ...change } };
    }
  }
}
