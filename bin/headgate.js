#!/usr/bin/env node
// biome-ignore-all lint: old syntax on purpose, so that an old Node gets as far as the message
// Plain JavaScript of any age: this file must run on Node versions that cannot run the rest, and say so.
var version = process.versions.node.split('.')
var major = Number(version[0])
if (major < 22 || (major === 22 && Number(version[1]) < 18)) {
  console.error(
    'headgate needs Node 22.18 or newer, this is ' +
      process.version +
      ': install it from https://nodejs.org, or run `npx -y -p node@24 -p headgate headgate`',
  )
  process.exitCode = 1
} else {
  // a checkout runs its sources, the package its build
  Promise.all([import('node:fs'), import('node:module'), import('node:url'), import('node:child_process')])
    .then(([fs, module, url, processes]) => {
      var hasSources = fs.existsSync(new URL('../src/cli/main.ts', import.meta.url))
      // stripped and compiled sources are kept: a third less memory and time; workers find the place in the environment
      if (hasSources) {
        var cache = url.fileURLToPath(new URL('../node_modules/.cache/headgate', import.meta.url))
        process.env.NODE_COMPILE_CACHE = cache
        if (!fs.existsSync(cache)) {
          var warmer = url.fileURLToPath(new URL('../src/cli/warm-cache.ts', import.meta.url))
          processes.spawnSync(process.execPath, [warmer], { stdio: 'ignore' })
        }
        module.enableCompileCache(cache)
      }
      var root = hasSources ? '../src/' : '../dist/'
      var end = hasSources ? '.ts' : '.js'
      // V8 flags first: expressions compiled before them keep the backtracking engine
      return import(root + 'expression/pattern-engine' + end).then((engine) => {
        engine.enableLinearEngine()
        return import(root + 'cli/main' + end)
      })
    })
    .then((main) => main.runMain(process.argv.slice(2)))
    .catch((error) => {
      console.error('headgate: ' + (error && error.stack ? error.stack : error))
      process.exitCode = 1
    })
}
