/** True in builds with the backend in memory; see vite.config.ts. */
declare const __FAKE__: boolean;
