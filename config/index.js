/** The package's own module: `import { defineConfig } from 'headgate'` in a configuration module. Plain JavaScript, so that it needs no build. */
export function defineConfig(config) {
  return { headgate: 1, ...config }
}
