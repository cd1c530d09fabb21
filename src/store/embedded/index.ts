export { type EmbeddedOptions, openEmbeddedStore } from './embedded-store.ts'
