/** The theme of the windows: the agent's setting, or the desktop's. */
import type { Theme } from './backend/bindings';

const KEPT = 'theme';

/** Follows the setting, and remembers it, so that the next window does not flash. */
export function setTheme(theme: Theme): void {
  localStorage.setItem(KEPT, theme);
  apply(theme);
}

/** Before the agent has answered: as it was the last time. */
export function keptTheme(): void {
  apply((localStorage.getItem(KEPT) as Theme | null) ?? 'system');
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
