/** Whom the messages come from, and how many of them are unread: read anew when they change. */
import type { Sources } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';

/** Changes come in swarms: the counts follow when one is over. */
const CALM_MS = 250;

export class SourceList {
  all = $state.raw<Sources>({ senders: [], groups: [], tags: [], relays: [] });
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(private readonly desk: Desk) {}

  /** Reads, and follows what happens; gives what ends it. */
  follow(): () => void {
    const ends = [
      this.desk.onBack(() => void this.load()),
      this.desk.onEvent((event) => {
        if (event.event === 'received' || event.event === 'changed') this.#soon();
      }),
    ];
    return () => {
      for (const end of ends) end();
      clearTimeout(this.#timer);
    };
  }

  async load(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const all = await this.desk.ask({ do: 'sources' });
      if (asked === this.#asked) this.all = all;
    } catch {
      // The list itself says that the inbox cannot be read.
    }
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.load();
    }, CALM_MS);
  }
}
