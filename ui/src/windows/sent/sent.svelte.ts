/**
 * Sent messages, newest first, each with what became of it, kept true by events.
 */
import type { Sent } from '../../lib/backend/bindings';
import { Paged } from '../../lib/paged.svelte';

export class SentList extends Paged<Sent> {
  html = $state('');
  readonly message = $derived(this.rows.find((s) => s.id === this.opened) ?? null);

  /** Reads, and follows what happens; gives what ends it. */
  follow(): () => void {
    const ends = [
      this.desk.onBack(() => void this.load()),
      this.desk.onEvent((event) => {
        if (event.event === 'sent') this.put(event.value);
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  async open(id: number): Promise<void> {
    this.cursor = id;
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

  protected page(before: number | null, limit: number): Promise<Sent[]> {
    return this.desk.ask({ do: 'sent', before, limit, search: '' });
  }

  /** A page of long messages ends early, so a short one is not the last. */
  protected isLast(page: readonly Sent[]): boolean {
    return page.length === 0;
  }
}
