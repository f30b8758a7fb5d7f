/**
 * Drafts: what is being written is kept as one types, and offered again.
 *
 * Owns when it is kept and under which number. Invariants: one request is under way at a time, so a new
 * draft is not kept twice; what is unchanged is not kept again; an emptied draft is dropped.
 */
import type { Draft, Kept } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';
import { BLANK } from '../../lib/draft';

/** After the last key: hardly anything is lost with the window, and no request for each letter. */
const CALM_MS = 400;

export class Keeping {
  /** All kept ones, the last changed first. */
  all = $state.raw<Kept[]>([]);
  /** The one that is being written; none until something is kept of it. */
  id = $state<number | null>(null);

  #known = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(
    private readonly desk: Desk,
    private readonly draft: () => Draft,
  ) {}

  /** Those that are not being written here. */
  readonly others = $derived(this.all.filter(({ id }) => id !== this.id));

  follow(): () => void {
    const ends = [
      this.desk.onEvent((event) => {
        if (event.event === 'drafts') void this.read();
      }),
    ];
    return () => {
      for (const end of ends) end();
      clearTimeout(this.#timer);
    };
  }

  async read(): Promise<void> {
    try {
      this.all = await this.desk.ask({ do: 'drafts' });
    } catch {
      // The notice that the agent is away says it; what is written stays in the window.
    }
  }

  /** Something changed: it is kept soon. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush().catch(() => undefined), CALM_MS);
  }

  /** Keeps it now. Fails where it cannot be kept. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    const work = this.#work.catch(() => undefined).then(() => this.#keep());
    this.#work = work.catch(() => undefined);
    return work;
  }

  /** What is written now is this one, or a new one. */
  begin(kept: Kept | null): void {
    clearTimeout(this.#timer);
    this.id = kept?.id ?? null;
    this.#known = JSON.stringify(this.draft());
  }

  /** It is sent: its number, when all that is under way has ended. Nothing more is kept of it. */
  async sending(): Promise<number | null> {
    clearTimeout(this.#timer);
    await this.#work;
    return this.id;
  }

  async drop(id: number): Promise<void> {
    clearTimeout(this.#timer);
    await this.#work;
    if (this.id === id) this.id = null;
    await this.desk.attempt(() => this.desk.ask({ do: 'drop-draft', id }));
    this.all = this.all.filter((kept) => kept.id !== id);
  }

  async #keep(): Promise<void> {
    const draft = this.draft();
    const now = JSON.stringify(draft);
    if (now === this.#known) return;
    if (isEmpty(draft)) {
      if (this.id !== null) await this.desk.ask({ do: 'drop-draft', id: this.id });
      this.id = null;
    } else {
      this.id = await this.desk.ask({ do: 'keep-draft', id: this.id, draft });
    }
    this.#known = now;
  }
}

/** Whether nothing was written that would be missed: recipients alone are chosen again in a moment. */
export function isEmpty({ title, body, link }: Draft): boolean {
  return [title, body, link].every((text) => text.trim() === BLANK.title);
}
