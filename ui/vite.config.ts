import { readFileSync } from 'node:fs';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** The windows' content policy, so that pages are looked at under the one they will live under. */
function policy(): string {
  const config = JSON.parse(readFileSync('../src-tauri/tauri.conf.json', 'utf8')) as {
    app: { security: { csp: string } };
  };
  return config.app.security.csp;
}

/** Compiles messages/ to functions; the same as `npm run words`. */
function words() {
  return paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/lib/words',
    // The language is the agent's setting, held by lib/language.svelte.ts.
    strategy: ['globalVariable', 'baseLocale'],
    emitTsDeclarations: true,
  });
}

export default defineConfig(({ mode }) => ({
  plugins: [
    // Tests have their words compiled before they start: its watcher would not let them end.
    mode === 'test' ? [] : words(),
    svelte(),
  ],
  // In memory and in a browser, or in a window of Tidings. Only one is built in.
  define: { __FAKE__: JSON.stringify(mode === 'fake' || mode === 'test') },
  clearScreen: false,
  build: { target: 'safari17', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  preview: { headers: { 'Content-Security-Policy': policy() } },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
  ...(mode === 'test' ? { resolve: { conditions: ['browser'] } } : {}),
}));
