import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Emits dist/ for the package: every source of src/ but tests as JavaScript, `.ts` in imports rewritten to `.js`. In a checkout nothing
 * is built, Node runs the sources.
 */
const root = resolve(fileURLToPath(import.meta.url), '../..')
const out = join(root, 'dist')
const config = join(root, 'tsconfig.build.json')

rmSync(out, { recursive: true, force: true })
writeFileSync(
  config,
  JSON.stringify({
    extends: './tsconfig.json',
    compilerOptions: {
      noEmit: false,
      outDir: 'dist',
      rootDir: 'src',
      rewriteRelativeImportExtensions: true,
      declaration: false,
    },
    include: ['src'],
    exclude: ['src/**/*.test.ts', 'src/**/*.contract.ts', 'src/**/testing.ts', 'src/**/testing/**'],
  }),
)
try {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', config], { cwd: root, stdio: 'inherit' })
} finally {
  rmSync(config, { force: true })
}
copyAssets(join(root, 'src'), out)
process.stdout.write(`built dist/ (${countFiles(out)} files)\n`)

/** Whatever is no TypeScript and no test case goes along as it is. */
function copyAssets(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    const source = join(from, name)
    if (statSync(source).isDirectory()) {
      if (name !== 'cases') copyAssets(source, join(to, name))
    } else if (!/\.(?:ts|case|md)$/.test(name)) cpSync(source, join(to, name))
  }
}

function countFiles(folder: string): number {
  if (!existsSync(folder)) return 0
  let count = 0
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    count += statSync(path).isDirectory() ? countFiles(path) : 1
  }
  return count
}
