/**
 * Whom a message is for, as one types it: chips, and who may be meant.
 *
 * Owns the text that is not a chip yet, the chips, and asking for contacts. Invariants: each recipient
 * stands there once; a late answer to an old question is dropped; who is marked stays so while others come and go.
 */
import type { Contact, Recipient, RelayId } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';
import { keyOf } from '../../lib/draft';

/** Between the last key and the question: who types fast asks once a word. */
const CALM_MS = 60;
/** Contacts offered at once: as many as the window shows. */
const OFFERED = 8;
/** What ends a name, on keyboards of both languages. */
const ENDS = /[,;，；、\n]/;

/** A recipient, and the relay by which they are known; none for a name that was typed. */
export interface Chip {
  to: Recipient;
  relay: RelayId | null;
}

export class Recipients {
  chips = $state.raw<Chip[]>([]);
  typed = $state('');
  offered = $state.raw<Contact[]>([]);
  /** Whether the contacts are shown. */
  open = $state(false);
  /** The contact that Enter takes; -1 for what was typed. */
  active = $state(-1);

  #asked = 0;
  /** What the contacts that are shown were asked for. */
  #search: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly desk: Desk,
    /** Told when the chips change. */
    private readonly onchange: () => void,
  ) {}

  /** Follows who comes and goes; gives what ends it. */
  follow(): () => void {
    const end = this.desk.onEvent((event) => {
      if (event.event === 'contacts' && this.open) void this.look();
    });
    return () => {
      end();
      clearTimeout(this.#timer);
    };
  }

  /** The text changed. What ends a name makes it a chip. */
  write(text: string): void {
    const parts = text.split(ENDS);
    this.typed = parts.pop()?.trimStart() ?? '';
    for (const part of parts) this.take(part);
    this.open = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), CALM_MS);
  }

  /** Asks who may be meant. */
  async look(): Promise<void> {
    const asked = ++this.#asked;
    const search = this.typed.trim().replace(/^@/, '');
    const limit = OFFERED + this.chips.length;
    let found: Contact[];
    try {
      found = await this.desk.ask({ do: 'contacts', search, relay: null, limit });
    } catch {
      // Without contacts a name is typed in full: nothing to tell.
      found = [];
    }
    if (asked !== this.#asked) return;
    // Asked anew by what happens elsewhere, Enter still takes what was marked.
    const marks = this.offered.length > 0 && this.#search === this.typed;
    const marked = marks ? this.offered[this.active] : undefined;
    this.#search = this.typed;
    const groups = this.typed.startsWith('@');
    this.offered = found
      .filter(({ to }) => !this.#has(to) && (!groups || to.kind === 'group'))
      .slice(0, OFFERED);
    if (marks) this.active = this.offered.findIndex((contact) => marked && isSame(contact, marked));
    else this.active = this.typed.trim() && this.offered.length > 0 ? 0 : -1;
  }

  /** Shows the contacts, or goes through them. */
  step(by: 1 | -1): void {
    if (!this.open) {
      this.open = true;
      void this.look();
      return;
    }
    const count = this.offered.length;
    // Beyond either end stands what was typed.
    this.active = ((this.active + 1 + by + count + 1) % (count + 1)) - 1;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.open = false;
    this.active = -1;
    this.offered = [];
    this.#search = null;
  }

  /** Takes the contact that is marked, else what was typed; false where there is neither. */
  accept(): boolean {
    const contact = this.open ? this.offered[this.active] : undefined;
    if (contact) this.choose(contact);
    else if (!this.commit()) return false;
    return true;
  }

  choose({ to, relay }: Contact): void {
    this.#add({ to, relay });
    this.typed = '';
    this.close();
  }

  /** Makes what was typed a chip; false where nothing was. */
  commit(): boolean {
    const name = this.typed;
    this.typed = '';
    const known = this.offered.find(({ to }) => keyOf(to) === name.trim());
    this.close();
    if (known) this.#add({ to: known.to, relay: known.relay });
    else return this.take(name);
    return true;
  }

  /** A name as it is written: a group begins with @. */
  take(text: string): boolean {
    const name = text.trim();
    const group = name.startsWith('@');
    const bare = group ? name.slice(1).trim() : name;
    if (!bare) return false;
    this.#add({ to: { kind: group ? 'group' : 'person', name: bare }, relay: null });
    return true;
  }

  remove(chip: Chip): void {
    this.set(this.chips.filter((other) => other !== chip));
    this.onchange();
  }

  /** Takes the last one out. */
  removeLast(): void {
    const last = this.chips.at(-1);
    if (last) this.remove(last);
  }

  set(chips: Chip[]): void {
    this.chips = chips;
  }

  #has(to: Recipient): boolean {
    return this.chips.some((chip) => keyOf(chip.to) === keyOf(to));
  }

  #add(chip: Chip): void {
    if (this.#has(chip.to)) return;
    this.chips = [...this.chips, chip];
    this.onchange();
  }
}

function isSame(one: Contact, other: Contact): boolean {
  return one.relay === other.relay && keyOf(one.to) === keyOf(other.to);
}
