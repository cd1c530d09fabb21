import type { EntranceExplanation, ExplainedChoice } from '../model/explanation.ts'
import { ChoiceLines } from './choice-lines.ts'
import { streamExplanationText } from './explain-stream-text.ts'
import { explanationText, type TextOptions } from './explain-text.ts'
import { printable } from './output.ts'

/** Choices beside the one that was made that are shown without `--all`. */
const SHOWN_CHOICES = 5

/** Why what comes in at a listener of a document goes where it goes, for people: first how the listener came to be as it is. */
export function entranceText(explanation: EntranceExplanation, options: TextOptions): string {
  const { entrance, isLive, request, stream } = explanation
  const lines = new ChoiceLines(options.io)
  lines.title(entrance.name)
  const [first, ...others] = entrance.choices
  const isChosen = first?.outcome === 'chosen'
  if (isChosen)
    lines.step('yes', 'chosen', `${printable(first.name)}  ${first.reason}  ${lines.origin(first.origin)}`)
  else lines.step('no', 'chosen', 'no route of the mesh applies')
  const passed = isChosen ? others : entrance.choices
  const ordered = [...passed].sort((a, b) => orderOf(a) - orderOf(b))
  const shown = options.isWhole ? ordered : ordered.slice(0, SHOWN_CHOICES)
  for (const { name, reason, origin } of shown)
    lines.more(`${lines.mark('no')} ${printable(name)}  ${printable(reason)}  ${lines.origin(origin)}`)
  const cut = ordered.length - shown.length
  if (cut > 0) lines.more(`${cut} more do not apply, or come later (--all shows them)`)
  if (entrance.omitted > 0) lines.more(`${entrance.omitted} more are not listed`)
  const carried =
    entrance.protocol === 'http' ? 'requests are looked at' : 'streams, requests are not looked at'
  lines.step('yes', 'carried', `${carried}: ${printable(entrance.reason)}`)
  if (!isLive)
    lines.more(
      'no proxy of this process stands there: what follows is how one would serve that has just started',
    )
  lines.blank()
  const rest =
    request !== null
      ? explanationText(request, options)
      : stream !== null
        ? streamExplanationText(stream, options)
        : ''
  return `${lines.text()}${rest}`
}

/** Those that were near first. */
function orderOf({ outcome }: ExplainedChoice): number {
  return outcome === 'unfit' ? 1 : 0
}
