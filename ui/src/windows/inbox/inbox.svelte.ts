/**
 * The inbox: the list as far as it was read, the message that is open, and what is done to them.
 *
 * Owns keeping the list true to the agent's: events are merged, never trusted to be complete.
 * Invariants: rows are newest first and each once; what is being read does not move (arrivals wait
 * behind the pill unless the list is at its top); a late answer to an old question is dropped.
 */
import { reason } from '../../lib/backend/backend';
import type { Event, Filter, Message, Row } from '../../lib/backend/bindings';
import { touchClock } from '../../lib/clock.svelte';
import type { Desk } from '../../lib/desk.svelte';
import { words } from '../../lib/find';
import { holds, narrows, NONE, same } from './filter';

/** Rows asked for at once: a few screens. */
const PAGE = 100;
/** Rows asked for at once further down, where somebody scrolls fast. */
const FAR_PAGE = 200;
/** Rows that are read anew at once at most when the list changed as a whole. */
const ANEW = 1000;
/** Arrivals come in swarms: a search is asked anew when one is over. */
const CALM_MS = 250;
/** More changes than this at once, and the list is read anew instead of row by row. */
const MANY = 20;
/** How long a deletion can be taken back in its toast. */
const UNDO_MS = 8000;

export class Inbox {
  rows = $state.raw<Row[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state('');
  /** Whether the oldest message is among the rows. */
  whole = $state(false);
  filter = $state.raw<Filter>(NONE);
  /** The words of the search, to be marked. */
  readonly words = $derived(words(this.filter.search));
  /** Whether the rows are those of a former filter: the answer to the new one is awaited. */
  asking = $state(false);
  /** Arrived while the list was not at its top. */
  waiting = $state.raw<Row[]>([]);
  /** Whether the list is scrolled to its top; its view says so. */
  atTop = $state(true);
  /** The row that the keys act on. */
  cursor = $state<number | null>(null);
  /** The message that is read. */
  opened = $state<number | null>(null);
  message = $state.raw<Message | null>(null);
  html = $state('');
  messageError = $state('');
  /** The last deletion, while its toast stands. */
  removed = $state.raw<Row[]>([]);
  /** The last deletion of many, likewise. */
  removedAll = $state.raw<{ stamp: number; count: number } | null>(null);

  #generation = 0;
  #loadingMore = false;
  #undoTimer: ReturnType<typeof setTimeout> | undefined;
  #arrivalTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly desk: Desk) {}

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
    };
  }

  /** Reads anew what was read; a new list from its newest page. */
  async load(fresh = false): Promise<void> {
    const generation = ++this.#generation;
    if (this.rows.length === 0) this.state = 'loading';
    try {
      const wanted = fresh ? PAGE : Math.min(Math.max(this.rows.length, PAGE), ANEW);
      let rows: Row[] = [];
      let whole = false;
      while (rows.length < wanted && !whole) {
        const limit = Math.min(wanted - rows.length, FAR_PAGE);
        const page = await this.#page(rows.at(-1)?.id ?? null, limit);
        if (generation !== this.#generation) return;
        whole = page.length < limit;
        rows = [...rows, ...page];
      }
      touchClock();
      this.rows = rows;
      this.whole = whole;
      this.waiting = [];
      this.state = 'ready';
      this.asking = false;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.error = reason(error);
      this.state = 'failed';
      this.asking = false;
    }
  }

  /** Reads older messages, if there are. */
  async more(): Promise<void> {
    const last = this.rows.at(-1);
    if (this.whole || this.#loadingMore || !last) return;
    this.#loadingMore = true;
    const generation = this.#generation;
    await this.desk.attempt(async () => {
      const older = await this.#page(last.id, FAR_PAGE);
      if (generation !== this.#generation) return;
      this.rows = [...this.rows, ...older];
      this.whole = older.length < FAR_PAGE;
    });
    this.#loadingMore = false;
  }

  /** Changes what the list holds. The rows stay until the others are there, so that nothing flashes. */
  async choose(change: Partial<Filter>): Promise<void> {
    const filter = { ...this.filter, ...change };
    if (same(filter, this.filter)) return;
    this.filter = filter;
    this.asking = true;
    this.cursor = null;
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
    if (!this.message?.row.read) await this.mark(id, true);
  }

  close(): void {
    this.opened = null;
    this.message = null;
  }

  async mark(id: number, read: boolean): Promise<void> {
    const was = this.#row(id);
    this.#set(id, { read });
    const done = await this.desk.attempt(() => this.desk.ask({ do: 'mark', ids: [id], read }));
    if (!done && was) this.#set(id, { read: was.read });
  }

  /** Deletes, to be taken back with {@link undo}. The next row takes the cursor. */
  async remove(id: number): Promise<void> {
    const at = this.rows.findIndex((row) => row.id === id);
    const row = this.rows[at] ?? (this.message?.row.id === id ? this.message.row : undefined);
    if (!row) return;
    const next = this.rows[at + 1] ?? this.rows[at - 1];
    this.rows = this.rows.filter((r) => r.id !== id);
    if (this.opened === id) this.close();
    this.cursor = next?.id ?? null;
    if (!(await this.desk.attempt(() => this.desk.ask({ do: 'delete', ids: [id] })))) {
      this.#merge(row);
      return;
    }
    this.removed = [...this.removed, row];
    this.removedAll = null;
    this.#keepUndo();
  }

  /** Deletes all that the list holds, also what was not read yet; to be taken back likewise. */
  async removeAll(): Promise<void> {
    await this.desk.attempt(async () => {
      const done = await this.desk.ask({ do: 'delete-all', filter: this.filter });
      this.close();
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

  /** Moves the cursor by so many rows; gives the row it is on. */
  step(by: 1 | -1): number | null {
    const at = this.rows.findIndex((row) => row.id === this.cursor);
    const from = at === -1 ? (by === 1 ? -1 : this.rows.length) : at;
    const to = Math.min(Math.max(from + by, 0), this.rows.length - 1);
    this.cursor = this.rows[to]?.id ?? null;
    return this.cursor;
  }

  #page(before: number | null, limit: number): Promise<Row[]> {
    return this.desk.ask({ do: 'inbox', before, limit, filter: this.filter });
  }

  #hear(event: Event): void {
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
      const generation = this.#generation;
      void this.desk.attempt(async () => {
        const newest = await this.#page(null, PAGE);
        if (generation !== this.#generation) return;
        const known = this.rows[0]?.id ?? 0;
        const arrived = newest.filter((row) => row.id > known);
        if (this.atTop) for (const row of arrived) this.#merge(row);
        else this.waiting = arrived.reverse();
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
      if (this.opened === id) this.close();
    }
  }

  /** Puts a row where it belongs. */
  #merge(row: Row): void {
    if (this.message?.row.id === row.id) this.message = { ...this.message, row };
    const known = this.rows.some((r) => r.id === row.id);
    if (known) {
      this.rows = this.rows.map((r) => (r.id === row.id ? row : r));
      return;
    }
    // Older than what was read: it comes with its page. Or not asked for.
    const last = this.rows.at(-1);
    if ((!this.whole && last && row.id < last.id) || holds(this.filter, row) === false) return;
    this.rows = [...this.rows, row].sort((a, b) => b.id - a.id);
  }

  #row(id: number): Row | undefined {
    return this.rows.find((r) => r.id === id);
  }

  #set(id: number, change: Partial<Row>): void {
    this.rows = this.rows.map((r) => (r.id === id ? { ...r, ...change } : r));
    if (this.message?.row.id === id) {
      this.message = { ...this.message, row: { ...this.message.row, ...change } };
    }
  }
}
