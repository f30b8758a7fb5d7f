/**
 * The pictures of one message: words until the person asks to see them. The agent fetches them, as
 * windows have no network.
 */
import { reason } from './backend/backend';
import type { Desk } from './desk.svelte';

/** Pictures of a message that are shown; more would be a gallery of somebody else's choosing. */
const MOST = 20;
/** Fetched beside each other, so that one slow server holds up few. */
const AT_ONCE = 4;

// Sets and maps that are replaced as a whole: plain ones.
/* eslint-disable svelte/prefer-svelte-reactivity */

export class Pictures {
  /** Their addresses, each once. */
  addresses = $state.raw<string[]>([]);
  /** What came, as it is drawn, by address. */
  shown = $state.raw<ReadonlyMap<string, string>>(new Map());
  busy = $state(false);
  /** Why one did not come. */
  error = $state('');
  readonly hosts = $derived([...new Set(this.addresses.map((a) => new URL(a).host))]);
  /** Whether there is something to ask for. */
  readonly asks = $derived(this.addresses.some((a) => !this.shown.has(a)));

  constructor(
    private readonly desk: Desk,
    private readonly id: number,
  ) {}

  /** The pictures that a text names. */
  name(addresses: Iterable<string>): void {
    this.addresses = [...new Set(addresses)].slice(0, MOST);
  }

  /** Fetches those that are not there yet. */
  async show(): Promise<void> {
    this.busy = true;
    this.error = '';
    const left = this.addresses.filter((address) => !this.shown.has(address));
    const fetchNext = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift())
        await this.#fetch(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
    this.busy = false;
  }

  async #fetch(address: string): Promise<void> {
    try {
      const { kind, data } = await this.desk.ask({ do: 'picture', id: this.id, address });
      this.shown = new Map([...this.shown, [address, `data:${kind};base64,${data}`]]);
    } catch (error) {
      this.error = reason(error);
    }
  }
}
