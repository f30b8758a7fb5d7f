/** A window's page begins: theme and language as they were, then the window that is asked for. */
import { mount } from 'svelte';
import { backend } from './lib/backend';
import { startClock } from './lib/clock.svelte';
import { Desk } from './lib/desk.svelte';
import { keptTheme } from './lib/theme';
import './lib/styles/tokens.css';
import './lib/styles/base.css';
import './lib/styles/panes.css';
import App from './App.svelte';

keptTheme();
startClock();
const desk = new Desk(await backend());
const target = document.getElementById('app');
if (target) mount(App, { target, props: { desk } });
await desk.start();
