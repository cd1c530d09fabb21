import type { Command } from 'commander'
import type { Shell } from '../commands/completion.ts'
import { renderBash } from './bash.ts'
import { renderFish } from './fish.ts'
import { describeVerbs, type Verb } from './verb-tree.ts'
import { renderZsh } from './zsh.ts'

const RENDER: Readonly<Record<Shell, (root: Verb) => string>> = {
  bash: renderBash,
  zsh: renderZsh,
  fish: renderFish,
}

/** The script of `headgate completion SHELL`. */
export function renderCompletion(shell: Shell, program: Command): string {
  return RENDER[shell](describeVerbs(program))
}
