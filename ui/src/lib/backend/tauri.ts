/** The real backend: the window program's commands. The only file that knows Tauri. */
import { Channel, invoke } from '@tauri-apps/api/core';
import { Failed, type Backend, type Told } from './backend';
import type { Answer, Code, Words } from './bindings';
import { say } from '../language.svelte';

async function call<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (error) {
    // A command of ours fails with {code, message}; Tauri itself with a text.
    if (typeof error === 'object' && error !== null && 'message' in error) {
      const { code, message } = error as { code?: Code | null; message: Words | string };
      throw new Failed(typeof message === 'object' ? say(message) : message, code ?? null);
    }
    throw new Failed(String(error));
  }
}

export const tauri: Backend = {
  attach: (hear) => call('attach', { told: new Channel<Told>(hear) }),
  ask: (request) => call<Answer>('ask', { request }),
  render: (body) => call<string>('render', { body }),
  show: (view) => call('show', { view }),
  close: () => call('close'),
  startAgent: () => call('start_agent'),
};
