/** The backend that this build is for. */
import type { Backend } from './backend';

export async function backend(): Promise<Backend> {
  if (__FAKE__) {
    const { scene } = await import('./fake/scenes');
    return scene(new URL(location.href));
  }
  return (await import('./tauri')).tauri;
}
