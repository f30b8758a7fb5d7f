/**
 * A list that is read page by page, newest first, as far as somebody looked.
 *
 * Owns reading and merging; what a page is, and what is done with its rows, is its heirs' business.
 * Invariants: rows are newest first and each once; a late answer to an old question is dropped.
 */
import { reason } from './backend/backend';
import type { Desk } from './desk.svelte';

/** Rows asked for at once: a few screens. */
const PAGE = 100;
/** Rows asked for at once further down, where somebody scrolls fast. */
const FAR_PAGE = 200;
/** Rows that are read anew at once at most when the list changed as a whole. */
const ANEW = 1000;

export abstract class Paged<T extends { id: number }> {
  rows = $state.raw<T[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state('');
  /** Whether the oldest one is among the rows. */
  whole = $state(false);
  /** The row that the keys act on. */
  cursor = $state<number | null>(null);
  /** The one that is read. */
  opened = $state<number | null>(null);

  protected generation = 0;
  #loadingMore = false;

  constructor(protected readonly desk: Desk) {}

  protected abstract page(before: number | null, limit: number): Promise<T[]>;

  /** Whether nothing comes after such a page. */
  protected abstract isLast(page: readonly T[], limit: number): boolean;

  /** Reads anew what was read; a new list from its newest page. False if another reading overtook. */
  async load(fresh = false): Promise<boolean> {
    const generation = ++this.generation;
    if (this.rows.length === 0) this.state = 'loading';
    try {
      const wanted = fresh ? PAGE : Math.min(Math.max(this.rows.length, PAGE), ANEW);
      let rows: T[] = [];
      let whole = false;
      while (rows.length < wanted && !whole) {
        const limit = Math.min(wanted - rows.length, FAR_PAGE);
        const page = await this.page(rows.at(-1)?.id ?? null, limit);
        if (generation !== this.generation) return false;
        whole = this.isLast(page, limit);
        rows = [...rows, ...page];
      }
      this.rows = rows;
      this.whole = whole;
      this.state = 'ready';
    } catch (error) {
      if (generation !== this.generation) return false;
      this.error = reason(error);
      this.state = 'failed';
    }
    return true;
  }

  /** Reads older ones, if there are. */
  async more(): Promise<void> {
    const last = this.rows.at(-1);
    if (this.whole || this.#loadingMore || !last) return;
    this.#loadingMore = true;
    const { generation } = this;
    await this.desk.attempt(async () => {
      const older = await this.page(last.id, FAR_PAGE);
      // Read anew meanwhile: what follows the old rows does not follow these.
      if (generation !== this.generation) return;
      this.rows = [...this.rows, ...older];
      this.whole = this.isLast(older, FAR_PAGE);
    });
    this.#loadingMore = false;
  }

  /** The newest page, without taking it for the list; none where it was overtaken. */
  protected async newest(): Promise<T[] | null> {
    const { generation } = this;
    const page = await this.page(null, PAGE);
    return generation === this.generation ? page : null;
  }

  /** Moves the cursor by so many rows; gives the row it is on. */
  step(by: 1 | -1): number | null {
    const at = this.rows.findIndex((row) => row.id === this.cursor);
    const from = at === -1 ? (by === 1 ? -1 : this.rows.length) : at;
    const to = Math.min(Math.max(from + by, 0), this.rows.length - 1);
    this.cursor = this.rows[to]?.id ?? null;
    return this.cursor;
  }

  /** Puts a row where it belongs: in its own place, or among the others. */
  protected put(row: T): void {
    if (this.rows.some((r) => r.id === row.id)) {
      this.rows = this.rows.map((r) => (r.id === row.id ? row : r));
      return;
    }
    // Older than what was read: it comes with its page.
    const last = this.rows.at(-1);
    if (!this.whole && last && row.id < last.id) return;
    this.rows = [...this.rows, row].sort((a, b) => b.id - a.id);
  }
}
