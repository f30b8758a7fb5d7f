/**
 * The rows that are picked, to be marked or deleted together.
 *
 * Owns which they are, as clicks and keys with Shift and Control change them. All of a list is a
 * pick of its own kind: it holds what was not read yet.
 */
// Sets that are replaced as a whole: plain ones.
/* eslint-disable svelte/prefer-svelte-reactivity */

export class Picks {
  ids = $state.raw<ReadonlySet<number>>(new Set());
  /** Whether all that the list holds are picked, also what is not among the rows. */
  all = $state(false);
  readonly some = $derived(this.all || this.ids.size > 0);
  /** From where a range goes. */
  #anchor: number | null = null;

  has(id: number): boolean {
    return this.all || this.ids.has(id);
  }

  /** Picks a row, or not any longer; `beside` is what the person looks at and takes for picked. */
  toggle(id: number, beside: number | null): void {
    const ids = new Set(this.all ? [] : this.ids);
    if (ids.size === 0 && beside !== null && beside !== id) ids.add(beside);
    if (!ids.delete(id)) ids.add(id);
    this.#take(ids);
    this.#anchor = id;
  }

  /** Picks all from the row of the last click or key to this one, and no others. */
  through(id: number, rows: readonly { id: number }[], beside: number | null): void {
    this.#anchor ??= beside ?? id;
    const at = (wanted: number | null) => rows.findIndex((row) => row.id === wanted);
    const to = at(id);
    const from = at(this.#anchor) === -1 ? to : at(this.#anchor);
    const range = rows.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.#take(new Set(range.map((row) => row.id)));
  }

  everything(): void {
    this.ids = new Set();
    this.all = true;
  }

  clear(): void {
    this.#take(new Set());
    this.#anchor = null;
  }

  /** What is gone is not picked. */
  drop(id: number): void {
    if (!this.ids.has(id)) return;
    this.#take(new Set([...this.ids].filter((other) => other !== id)));
  }

  #take(ids: ReadonlySet<number>): void {
    this.all = false;
    this.ids = ids;
  }
}
