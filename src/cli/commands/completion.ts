import { Argument, Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** `root` is asked late: the script is made from all verbs, this one among them. */
export function completionCommand(root: () => Command): Command {
  return new Command('completion')
    .description('print a script that completes verbs, flags, kinds and ids in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Kinds and ids are asked of the gateway that --server or HEADGATE_SERVER names; when it does not answer within half a second, there are none.

Examples:
  source <(headgate completion bash)                 in this shell, or as a line of ~/.bashrc
  headgate completion bash > ~/.local/share/bash-completion/completions/headgate
  headgate completion zsh > ~/.zfunc/_headgate       with fpath+=(~/.zfunc) before compinit in ~/.zshrc
  headgate completion fish > ~/.config/fish/completions/headgate.fish`,
    )
    .action(async (shell: Shell) => {
      const { renderCompletion } = await import('../completion/render.ts')
      process.stdout.write(renderCompletion(shell, root()))
    })
}

/** What the scripts ask: candidates for the last word, one a line. Never fails and never complains. */
export function completeCommand(root: () => Command): Command {
  return new Command('__complete')
    .description('candidates for the last word, one a line (for the scripts of completion)')
    .argument('[words...]', 'the words of the command line after its name, the last one as far as it goes')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) => {
      const { runComplete } = await import('../completion/complete.ts')
      await runComplete(root(), words)
    })
}
