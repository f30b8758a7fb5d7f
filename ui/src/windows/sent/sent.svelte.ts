/**
 * Sent messages, newest first, each with what became of it, kept true by events; all, or those that are
 * searched for.
 */
import type { Event, Sent } from '../../lib/backend/bindings';
import { words } from '../../lib/find';
import { Paged } from '../../lib/paged.svelte';

export class SentList extends Paged<Sent> {
  html = $state('');
  /** What is searched for; empty for nothing. */
  search = $state('');
  /** The words of the search, to be marked. */
  readonly words = $derived(words(this.search));
  /** Whether something is asked of the open message. */
  busy = $state(false);
  /** The open message, where it is not among the rows: further down, or not searched for. */
  #apart = $state.raw<Sent | null>(null);
  readonly message = $derived.by(() => {
    const is = ({ id }: Sent) => id === this.opened;
    return this.rows.find(is) ?? (this.#apart && is(this.#apart) ? this.#apart : null);
  });

  /** Reads, and follows what happens; gives what ends it. */
  follow(): () => void {
    const ends = [
      this.desk.onBack(() => void this.#readAll()),
      this.desk.onEvent((event) => this.#hear(event)),
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
      if (!this.message) await this.#fetch(id);
      const html = await this.desk.backend.render(this.message?.draft.body ?? '');
      if (this.opened === id) this.html = html;
    });
  }

  close(): void {
    this.opened = null;
  }

  /** Searches; the rows stay until the others are there, so that nothing flashes. */
  async find(search: string): Promise<void> {
    if (search === this.search) return;
    const { message } = this;
    this.search = search;
    this.cursor = null;
    // It stays open, whether it is found or not.
    this.#apart = message;
    await this.load(true);
  }

  /** Takes back what has not gone out. */
  cancel(id: number): Promise<void> {
    return this.#order('cancel', id);
  }

  /** Sends what did not go out once more. */
  resend(id: number): Promise<void> {
    return this.#order('resend', id);
  }

  async #order(what: 'cancel' | 'resend', id: number): Promise<void> {
    this.busy = true;
    await this.desk.attempt(() => this.desk.ask({ do: what, id }));
    this.busy = false;
  }

  async #readAll(): Promise<void> {
    await this.load();
    const id = this.#apart?.id;
    if (id !== undefined && id === this.opened) await this.desk.attempt(() => this.#fetch(id));
  }

  async #fetch(id: number): Promise<void> {
    const [sent] = await this.desk.ask({ do: 'sent-message', id });
    if (sent) this.#apart = sent;
  }

  #hear(event: Event): void {
    if (event.event !== 'sent') return;
    const sent = event.value;
    if (this.#apart?.id === sent.id) this.#apart = sent;
    // Only the agent knows whether a new one is searched for.
    if (this.search === '' || this.rows.some(({ id }) => id === sent.id)) this.put(sent);
    else void this.load();
  }

  protected page(before: number | null, limit: number): Promise<Sent[]> {
    return this.desk.ask({ do: 'sent', before, limit, search: this.search });
  }

  /** A page of long messages ends early, so a short one is not the last. */
  protected isLast(page: readonly Sent[]): boolean {
    return page.length === 0;
  }
}
