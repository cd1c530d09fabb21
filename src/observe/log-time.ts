/**
 * Time stamps of log lines. Formatting a date costs more than the rest of a line, so each maker keeps the text of the second it made last.
 * All are UTC.
 */

/** `2026-11-25T22:50:25.123Z`. */
export function createIsoStamp(): (timeMs: number) => string {
  let second = Number.NaN
  let text = ''
  return (timeMs) => {
    const whole = Math.floor(timeMs / 1000)
    if (whole !== second) {
      second = whole
      text = new Date(whole * 1000).toISOString().slice(0, 20)
    }
    const rest = Math.floor(timeMs - whole * 1000)
    return `${text}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `25/Nov/2026:22:50:25 +0000`. */
export function createCombinedStamp(): (timeMs: number) => string {
  let second = Number.NaN
  let text = ''
  return (timeMs) => {
    const whole = Math.floor(timeMs / 1000)
    if (whole !== second) {
      second = whole
      const iso = new Date(whole * 1000).toISOString()
      text = `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
    }
    return text
  }
}
