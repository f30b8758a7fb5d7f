/**
 * Sent messages, newest first, each with what became of it, kept true by events.
 */
import { reason } from '../../lib/backend/backend';
import type { Sent } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';

const PAGE = 100;

export class SentList {
  rows = $state.raw<Sent[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state('');
  whole = $state(false);
  opened = $state<number | null>(null);
  html = $state('');
  readonly message = $derived(this.rows.find((s) => s.id === this.opened) ?? null);
  #generation = 0;
  #loadingMore = false;

  constructor(private readonly desk: Desk) {}

  /** Reads, and follows what happens; gives what ends it. */
  follow(): () => void {
    const ends = [
      this.desk.onBack(() => void this.load()),
      this.desk.onEvent((event) => {
        if (event.event === 'sent') this.#merge(event.value);
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  async load(): Promise<void> {
    const generation = ++this.#generation;
    try {
      const rows = await this.#page(null);
      if (generation !== this.#generation) return;
      this.rows = rows;
      // A page of long messages ends early, so a short one is not the last.
      this.whole = rows.length === 0;
      this.state = 'ready';
    } catch (error) {
      if (generation !== this.#generation) return;
      this.error = reason(error);
      this.state = 'failed';
    }
  }

  async more(): Promise<void> {
    const last = this.rows.at(-1);
    if (this.whole || this.#loadingMore || !last) return;
    this.#loadingMore = true;
    const generation = this.#generation;
    await this.desk.attempt(async () => {
      const older = await this.#page(last.id);
      // Read anew meanwhile: what follows the old rows does not follow these.
      if (generation !== this.#generation) return;
      this.rows = [...this.rows, ...older.filter((s) => s.id < last.id)];
      this.whole = older.length === 0;
    });
    this.#loadingMore = false;
  }

  async open(id: number): Promise<void> {
    this.opened = id;
    this.html = '';
    await this.desk.attempt(async () => {
      const html = await this.desk.backend.render(this.message?.draft.body ?? '');
      if (this.opened === id) this.html = html;
    });
  }

  close(): void {
    this.opened = null;
  }

  step(by: 1 | -1): number | null {
    const at = this.rows.findIndex((s) => s.id === this.opened);
    const from = at === -1 ? (by === 1 ? -1 : this.rows.length) : at;
    return this.rows[Math.min(Math.max(from + by, 0), this.rows.length - 1)]?.id ?? null;
  }

  #page(before: number | null): Promise<Sent[]> {
    return this.desk.ask({ do: 'sent', before, limit: PAGE });
  }

  #merge(sent: Sent): void {
    const others = this.rows.filter((s) => s.id !== sent.id);
    this.rows = [...others, sent].sort((a, b) => b.id - a.id);
  }
}
